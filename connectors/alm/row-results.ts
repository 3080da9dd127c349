import type { Problem } from '../../core/problems.ts'
import { ConnectorError, type RowResult } from '../contract.ts'
import { type HttpAnswer, RequestFailed } from '../http.ts'
import type { AlmCalls } from './connector.ts'
import { errorOf, problemOf } from './errors.ts'

/** What an answer that refuses a row's lock or write says of it. */
export function refusedBy(
  answer: HttpAnswer,
  { name, described }: Pick<AlmCalls, 'name' | 'described'>,
  entityType: string,
): Extract<RowResult, { outcome: 'refused' }> {
  if (answer.status >= 500 && !isDefinite(answer))
    return {
      outcome: 'refused',
      problem: {
        class: 'unavailable',
        code: 'server-error',
        message: `${name} answered HTTP ${answer.status} to a lock.`,
        remedy: 'Nothing to do: it is tried again.',
      },
    }
  return { outcome: 'refused', problem: problemOf(errorOf(answer), answer.status, described(entityType)) }
}

/** ALM tells many refusals as a 500; one that names its own reason has decided against the write. */
export function isDefinite(answer: HttpAnswer): boolean {
  const { id } = errorOf(answer)
  return id.startsWith('qccore.') && id !== 'qccore.general-error'
}

export function sent(error: unknown): boolean {
  return !(error instanceof ConnectorError) || (error instanceof RequestFailed && error.failedAt === 'no-answer')
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Surely nothing was written. */
export function notSent(error: unknown): { outcome: 'refused'; problem: Problem } {
  if (error instanceof ConnectorError) return { outcome: 'refused', problem: error.problem }
  return {
    outcome: 'refused',
    problem: {
      class: 'unavailable',
      code: 'not-sent',
      message: words(error),
      remedy: 'Nothing to do: it is tried again.',
    },
  }
}

export function goneProblem(id: string): Problem {
  return {
    class: 'missing',
    code: 'gone',
    message: `Record ${id} does not exist any more.`,
    remedy: 'Nothing to do, unless it was deleted by mistake.',
  }
}
