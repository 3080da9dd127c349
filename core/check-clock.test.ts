import { expect, it } from 'vitest'
import { checkClocks, type SideClock } from './check-clock.ts'
import { linkConfiguration } from './link-config.ts'

const end = { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: 'ref' }
const configuration = (conflict: 'left' | 'latest') =>
  linkConfiguration.parse({
    entityType: 'defect',
    left: end,
    right: end,
    fields: [{ id: 'name', left: 'name', right: 'name', direction: 'both', conflict }],
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
  })
const clock = (change: Partial<SideClock> = {}): SideClock => ({
  date: '2026-05-04T08:00:00Z',
  offsetMs: 300,
  uncertaintyMs: 1_000,
  timesHaveZone: true,
  newest: '2026-05-04T07:59:00Z',
  ...change,
})
const found = (left: Partial<SideClock>, right: Partial<SideClock>, conflict: 'left' | 'latest' = 'left') =>
  checkClocks(configuration(conflict), { left: clock(left), right: clock(right) }).map(
    ({ severity, side, message }) => `${severity} ${side} ${message}`,
  )

it('clocks that agree are fine; times without a zone are told', () => {
  expect(found({ timesHaveZone: false, newest: '2026-05-04 04:00:00' }, {})).toEqual([
    expect.stringMatching(/^ok null/),
    expect.stringMatching(/^info left .*no zone/),
  ])
})

it('a clock that is off is a warning: against the bridge, against its own records, against the other one', () => {
  expect(found({}, { offsetMs: 240_000 })).toEqual([expect.stringMatching(/^warning right .*4 minutes ahead of/)])
  expect(found({}, { offsetMs: -10_800_000 })).toEqual([expect.stringMatching(/^warning right .*3 hours behind/)])
  expect(found({}, { newest: '2026-05-04T08:05:00Z' })).toEqual([
    expect.stringMatching(/^warning right .*5 minutes later/),
  ])
  expect(found({ offsetMs: -40_000 }, { offsetMs: 40_000 }, 'latest')).toEqual([
    expect.stringMatching(/^warning null .*78 seconds apart.*later edit/),
  ])
  // Of clocks that are not compared with each other the same difference does no harm.
  expect(found({ offsetMs: -40_000 }, { offsetMs: 40_000 })).toEqual([expect.stringMatching(/^ok null/)])
})

it('what a header may be wrong by is no difference', () => {
  expect(found({ offsetMs: 90_000, uncertaintyMs: 40_000 }, {})).toEqual([expect.stringMatching(/^ok/)])
  expect(found({ date: null, offsetMs: 0, uncertaintyMs: 0 }, {})).toEqual([
    expect.stringMatching(/^ok null .*not every system tells/),
  ])
})
