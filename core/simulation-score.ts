import type { Problem, ProblemClass } from './problems.ts'
import type { SimulatedItem } from './store.ts'
import { type Side, type Stamp, sameStamp, sides } from './values.ts'
import type { ItemOutcome } from './work-items.ts'

/** What a simulation came to, kept with its run. */
export interface SimulationSummary {
  /** Records looked at. */
  records: number
  /** Rows of the queue when it began; a record may have one on each side. */
  due: number
  /** 1: everything that was due. Else a sample: one in so many was looked at, and all counts are of the sample. */
  oneIn: number
}

/** What became of a simulated record in the run that followed. */
export interface RealOutcome {
  outcome: ItemOutcome
  written: readonly Side[]
  problems: readonly Pick<Problem, 'class' | 'code' | 'field' | 'warning'>[]
  /** Of the state that was judged. */
  stamps: Partial<Record<Side, Stamp>>
}

export interface ScoredRow {
  action: SimulatedItem['action']
  problems: readonly Pick<Problem, 'class' | 'code'>[]
  stamps: Partial<Record<Side, Stamp>>
  real: RealOutcome | null
}

/** Hits, misses and false alarms of one kind of error. */
export interface CodeScore {
  class: ProblemClass
  code: string
  predicted: number
  real: number
  hits: number
}

/** A simulation held against the run that followed, in records. An error counts once a record and code. */
export interface SimulationScore {
  records: number
  compared: number
  /** Edited between the simulation and the run: not compared. */
  changedSince: number
  /** The run did not come to a result about them: not compared. */
  notReached: number
  /** Of the compared ones: the run did what was predicted. */
  sameAction: number
  predicted: number
  real: number
  hits: number
  /** Share of the predicted errors that came true; null: none was predicted. */
  precision: number | null
  /** Share of the errors that came which had been predicted; null: none came. */
  recall: number | null
  codes: readonly CodeScore[]
}

/**
 * Trouble of the moment that says nothing about a record: no simulation can foresee it, so it is neither a hit nor a miss.
 * `waiting` ends by itself within a run, as soon as the other record is there.
 */
const momentary = new Set<ProblemClass>(['waiting', 'moved', 'throttled', 'unavailable', 'in-doubt', 'braked'])

/** Outcomes that a later look of the same run may still replace. */
export const openOutcomes: readonly ItemOutcome[] = ['waiting', 'in-doubt']

export function createScore() {
  const codes = new Map<string, CodeScore>()
  const counts = { records: 0, compared: 0, changedSince: 0, notReached: 0, sameAction: 0 }

  function add({ action, problems, stamps, real }: ScoredRow): void {
    counts.records++
    if (real === null || openOutcomes.includes(real.outcome)) counts.notReached++
    else if (sides.some((side) => differ(stamps[side], real.stamps[side]))) counts.changedSince++
    else {
      counts.compared++
      if (actionOf(real) === action) counts.sameAction++
      const [foreseen, came] = [errorsOf(problems), errorsOf(real.problems)]
      for (const [code, of] of foreseen) {
        const score = scoreOf(code, of)
        score.predicted++
        if (came.has(code)) score.hits++
      }
      for (const [code, of] of came) scoreOf(code, of).real++
    }
  }

  function scoreOf(code: string, of: ProblemClass): CodeScore {
    const known = codes.get(code) ?? { class: of, code, predicted: 0, real: 0, hits: 0 }
    codes.set(code, known)
    return known
  }

  function result(): SimulationScore {
    const all = [...codes.values()].sort((a, b) => b.real + b.predicted - a.real - a.predicted)
    const sum = (of: 'predicted' | 'real' | 'hits') => all.reduce((total, one) => total + one[of], 0)
    const [predicted, real, hits] = [sum('predicted'), sum('real'), sum('hits')]
    return { ...counts, predicted, real, hits, ...rates({ predicted, real, hits }), codes: all }
  }

  return { add, result }
}

export function rates({ predicted, real, hits }: { predicted: number; real: number; hits: number }): {
  precision: number | null
  recall: number | null
} {
  return { precision: predicted === 0 ? null : hits / predicted, recall: real === 0 ? null : hits / real }
}

function differ(planned: Stamp | undefined, judged: Stamp | undefined): boolean {
  return planned !== undefined && judged !== undefined && !sameStamp(planned, judged)
}

/** Each code once, with its class. */
function errorsOf(problems: ScoredRow['problems']): Map<string, ProblemClass> {
  return new Map(problems.flatMap((one) => (momentary.has(one.class) ? [] : [[one.code, one.class] as const])))
}

/** What a run did, in the words of a simulation. */
function actionOf({ outcome, written }: RealOutcome): SimulatedItem['action'] {
  const both = written.includes('left') && written.includes('right')
  const side = written.includes('left') ? 'left' : 'right'
  switch (outcome) {
    case 'created':
      return `create-${side}`
    case 'updated':
      return both ? 'update-both' : `update-${side}`
    case 'deleted':
      return `delete-${side}`
    case 'adopted':
      return 'adopt'
    case 'unchanged':
    case 'declined':
      return 'none'
    default:
      return 'problem'
  }
}
