import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admit, halvingsLeft, slowedLimit, type Turn } from './fair-share.ts'

const turn = (linkId: string, more: Partial<Turn> = {}): Turn => ({
  linkId,
  endpoints: ['alm', `octane ${linkId}`],
  asked: false,
  idleSeconds: null,
  waitingSeconds: null,
  ...more,
})
const limits = (alm: number, total: number | null = null) => ({ endpoints: new Map([['alm', alm]]), total })

describe('admit', () => {
  it('gives a lonely link all there is', () => {
    const running = [turn('a'), turn('a')]
    expect(admit({ claimant: turn('a'), waiting: [], running, limits: limits(3) })).toEqual({ granted: true })
    expect(admit({ claimant: turn('a'), waiting: [], running, limits: limits(2) })).toEqual({
      granted: false,
      atLimit: true,
    })
  })

  it('lets nobody pass who has less', () => {
    const input = { waiting: [turn('b', { waitingSeconds: 1 })], running: [turn('a')], limits: limits(2) }
    expect(admit({ ...input, claimant: turn('a') })).toEqual({ granted: false, atLimit: false })
    expect(admit({ ...input, claimant: turn('b') })).toEqual({ granted: true })
    expect(admit({ ...input, claimant: turn('a'), limits: limits(3) })).toEqual({ granted: true })
  })

  it('lets a person go first', () => {
    const input = { waiting: [turn('b', { asked: true })], running: [turn('b')], limits: limits(2) }
    expect(admit({ ...input, claimant: turn('a') }).granted).toBe(false)
  })

  it('holds nobody up for a link that is stuck at another endpoint, but not for ever', () => {
    const stuck = (waitingSeconds: number) => turn('b', { endpoints: ['alm', 'full'], waitingSeconds })
    const input = {
      claimant: turn('a', { idleSeconds: 5 }),
      running: [turn('c', { endpoints: ['other', 'full'] })],
      limits: {
        endpoints: new Map([
          ['alm', 1],
          ['full', 1],
        ]),
        total: null,
      },
    }
    expect(admit({ ...input, waiting: [stuck(1)] }).granted).toBe(true)
    expect(admit({ ...input, waiting: [stuck(11)] }).granted).toBe(false)
  })

  it('never passes a limit, and always lets somebody in where there is room', () => {
    const link = fc.record({
      id: fc.nat({ max: 5 }),
      asked: fc.boolean(),
      idle: fc.option(fc.nat({ max: 3 })),
      waits: fc.nat({ max: 20 }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(link, { selector: (one) => one.id, minLength: 1 }),
        fc.array(fc.nat({ max: 5 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.integer({ min: 1, max: 5 })),
        (links, held, alm, total) => {
          const waiting = links.map((one) =>
            turn(String(one.id), { asked: one.asked, idleSeconds: one.idle, waitingSeconds: one.waits }),
          )
          const running = held.map((id) => turn(String(id)))
          const answers = waiting.map((claimant) => admit({ claimant, waiting, running, limits: limits(alm, total) }))
          const room = running.length < Math.min(alm, total ?? alm)
          expect(answers.some((one) => one.granted)).toBe(room)
          expect(answers.filter((one) => one.granted).length).toBeLessThanOrEqual(Math.max(0, alm - running.length))
        },
      ),
    )
  })
})

it('an endpoint that asked for pauses is trusted again step by step', () => {
  expect([0, 59, 60, 125, 3_600].map((age) => slowedLimit(8, halvingsLeft(2, age)))).toEqual([2, 2, 4, 8, 8])
  expect(slowedLimit(8, halvingsLeft(9, 0))).toBe(1)
})
