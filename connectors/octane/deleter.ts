import { sameStamp } from '../../core/values.ts'
import { confirmRecordsGone } from '../confirm-gone.ts'
import type { CallOptions, DeleteResult, DeleteRow, Deletes } from '../contract.ts'
import { isHtml } from '../http.ts'
import { inOrder } from '../limiter.ts'
import { inDoubt, movedProblem } from '../row-results.ts'
import type { OctaneCalls, OctaneRead } from './connector.ts'
import { errorsOf, problemOf } from './errors.ts'
import { lookUpAt } from './look-up.ts'
import { failedRow } from './writer.ts'

/** Deletions under way at a time: each is read just before, so few at once keep that moment short. */
const atATime = 4

/** Evidence by id and deleting. Octane compares no stamp on DELETE, so each record is read just before. */
export function createDeleter(calls: OctaneCalls, read: OctaneRead): Deletes {
  async function one(entityType: string, row: DeleteRow, options: CallOptions): Promise<DeleteResult> {
    try {
      const [now] = await read(entityType, [row.id], [], options)
      if (now !== undefined && !sameStamp(row.expected, now.stamp))
        return { outcome: 'refused', problem: movedProblem() }
    } catch (error) {
      const failed = failedRow(error)
      return { outcome: 'refused', problem: { ...failed.problem, class: 'unavailable', code: 'not-sent' } }
    }
    try {
      const answer = await calls.send('DELETE', `/${calls.collection(entityType)}/${row.id}`, {}, undefined, options)
      if (isHtml(answer) || answer.status >= 500)
        return inDoubt(`${calls.name} answered HTTP ${answer.status} to a deletion.`, answer.status)
      if (answer.status < 300) return { outcome: 'done' }
      return {
        outcome: 'refused',
        problem: problemOf(errorsOf(answer)[0] ?? {}, answer.status, calls.metadata(entityType)),
      }
    } catch (error) {
      return failedRow(error)
    }
  }

  return {
    confirmGone: (entityType, ids, siblings, options = {}) =>
      confirmRecordsGone(
        (id) => lookUpAt(calls, `/${calls.collection(entityType)}/${id}`, options),
        ids,
        siblings,
        options,
      ),
    delete: (entityType, rows, options = {}) => inOrder(rows, atATime, (row) => one(entityType, row, options)),
  }
}
