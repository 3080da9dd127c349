import { describe, expect, it } from 'vitest'
import { createScore, type RealOutcome, type ScoredRow } from './simulation-score.ts'

const real = (more: Partial<RealOutcome> = {}): RealOutcome => ({
  outcome: 'updated',
  written: ['right'],
  problems: [],
  stamps: {},
  ...more,
})
const row = (more: Partial<ScoredRow> = {}): ScoredRow => ({
  action: 'update-right',
  problems: [],
  stamps: {},
  real: real(),
  ...more,
})
const locked = { class: 'locked', code: 'locked' } as const
const gap = { class: 'mapping', code: 'value-gap' } as const

function scoreOf(rows: readonly ScoredRow[]) {
  const score = createScore()
  for (const one of rows) score.add(one)
  return score.result()
}

describe('a simulation and the run that followed', () => {
  it('are compared by action and by each code of error once a record', () => {
    const score = scoreOf([
      row(),
      row({ action: 'problem', problems: [locked], real: real({ outcome: 'held', written: [], problems: [locked] }) }),
      row({ problems: [gap, gap], real: real({ problems: [gap] }) }),
      row({ problems: [gap] }),
      row({ real: real({ outcome: 'held', written: [], problems: [locked] }) }),
    ])
    expect(score).toMatchObject({ records: 5, compared: 5, sameAction: 4, predicted: 3, real: 3, hits: 2 })
    expect(score.precision).toBeCloseTo(2 / 3)
    expect(score.recall).toBeCloseTo(2 / 3)
    expect(score.codes).toContainEqual({ ...gap, predicted: 2, real: 1, hits: 1 })
    expect(score.codes).toContainEqual({ ...locked, predicted: 1, real: 2, hits: 1 })
  })

  it('leave out what was edited in between, what the run did not come to, and trouble of the moment', () => {
    const at = (version: number) => ({ right: { version, modified: null } })
    const score = scoreOf([
      row({ stamps: at(1), problems: [gap], real: real({ stamps: at(2) }) }),
      row({ real: null, problems: [gap] }),
      row({ real: real({ outcome: 'in-doubt' }) }),
      row({ stamps: at(1), real: real({ stamps: at(1), problems: [{ class: 'moved', code: 'moved' }] }) }),
    ])
    expect(score).toMatchObject({ records: 4, compared: 1, changedSince: 1, notReached: 2, predicted: 0, real: 0 })
    expect([score.precision, score.recall]).toEqual([null, null])
  })

  it.each([
    ['create-left', 'created', ['left']],
    ['update-both', 'updated', ['left', 'right']],
    ['delete-right', 'deleted', ['right']],
    ['adopt', 'adopted', []],
    ['none', 'declined', []],
    ['problem', 'failed', []],
  ] as const)('call %s what a run tells as %s', (action, outcome, written) => {
    expect(scoreOf([row({ action, real: real({ outcome, written }) })]).sameAction).toBe(1)
  })
})
