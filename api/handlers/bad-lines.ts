import type { LineError } from '../../core/people-csv.ts'
import { ApiProblem } from '../problem.ts'

/** Refuses a file of which lines are wrong, with every one of them. */
export function badLines(errors: readonly LineError[]): ApiProblem {
  const many = errors.length === 1 ? 'A line of the file is' : `${errors.length} lines of the file are`
  return new ApiProblem(422, 'bad-lines', `${many} wrong; nothing is taken of it.`, {
    remedy: 'Correct these lines and send the whole file again.',
    errors: errors.map(({ line, message }) => ({ pointer: '/csv', message: `line ${line}: ${message}` })),
  })
}
