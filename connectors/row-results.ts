import type { Problem } from '../core/problems.ts'
import type { RowResult } from './contract.ts'

/** What may have been written or not; `status`: of the answer, where there was one. */
export function inDoubt(message: string, status?: number): Extract<RowResult, { outcome: 'in-doubt' }> {
  return {
    outcome: 'in-doubt',
    // A gateway's 502 or 504 says nothing about the server behind it.
    answered: status === 500,
    problem: {
      class: 'in-doubt',
      code: 'unanswered',
      message,
      remedy: 'Nothing to do: it is settled by looking at the record.',
    },
  }
}

/** Why a row is not written whose record stands no more as it was when the write was planned. */
export function movedProblem(): Problem {
  return {
    class: 'moved',
    code: 'moved',
    message: 'Somebody changed the record between our read and our write.',
    remedy: 'Nothing to do: it is read and planned again.',
  }
}
