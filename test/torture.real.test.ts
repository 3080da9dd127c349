import { expect, it } from 'vitest'
import { everyFault, torture } from './torture/torture.ts'

it('T2: people who edit both sides during runs lose nothing', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const report = await torture({ seed, cycles: 8, faults: [], deaths: false })
    console.log(JSON.stringify(report))
  }
  for (let seed = 1; seed <= 10; seed++) {
    const report = await torture({ seed, cycles: 8, faults: [], deaths: true })
    console.log(JSON.stringify(report))
  }
  for (let seed = 1; seed <= 10; seed++) {
    const report = await torture({ seed, cycles: 8, faults: everyFault, deaths: true })
    console.log(JSON.stringify(report))
  }
  expect(1).toBe(1)
}, 600_000)
