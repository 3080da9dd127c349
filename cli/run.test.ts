import { expect, it } from 'vitest'
import { describeFindings } from './run.ts'

const ends = { left: { name: 'ALM one' }, right: { name: 'Octane one' } }
const finding = { severity: 'ok', side: null, message: 'All is well.', remedy: null, pointer: null }

it('says of which endpoint a finding of the check is', () => {
  const told = describeFindings(
    [
      finding,
      { ...finding, side: 'right', message: '10 people were read.' },
      { ...finding, side: 'left', message: 'ALM one: signed in.' },
    ],
    ends,
  )
  expect(told.split('\n').map((line) => line.trim())).toEqual([
    '✓  All is well.',
    '✓  Octane one: 10 people were read.',
    '✓  ALM one: signed in.',
  ])
})
