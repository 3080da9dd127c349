import type { z } from 'zod'
import type { Problem } from '../core/problems.ts'
import type { ProblemDocument } from './contract/schemas.ts'

/** A refusal on its way to the caller: a stable code, words, the remedy, and where in the request the trouble lies. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly remedy: string | null
  readonly errors: ProblemDocument['errors']

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { remedy?: string; errors?: ProblemDocument['errors'] } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.remedy = options.remedy ?? null
    this.errors = options.errors ?? []
  }
}

export function toDocument(problem: ApiProblem): ProblemDocument {
  const { status, code, remedy, errors } = problem
  return {
    type: `urn:tandem:problem:${code}`,
    title: code.replace(/-/g, ' '),
    status,
    code,
    detail: problem.message,
    remedy,
    errors,
  }
}

export function notFound(what: string, id: string): ApiProblem {
  return new ApiProblem(404, 'not-found', `There is no ${what} ${id}.`, {
    remedy: `List the ${what}s to see which there are.`,
  })
}

/** What an endpoint answered to a question of ours, as a refusal of the request that needed it. */
export function connectionFailed(problem: Problem, pointer?: string): ApiProblem {
  return new ApiProblem(422, 'connection-failed', problem.message, {
    remedy: problem.remedy,
    errors: [{ pointer: pointer ?? '', message: `${problem.code}: ${problem.message}` }],
  })
}

/** Zod's issues as JSON pointers. What fits none of several forms is told by the form that it comes closest to. */
export function pointers(issues: readonly z.core.$ZodIssue[], prefix = ''): ProblemDocument['errors'] {
  const escaped = (part: PropertyKey) => String(part).replace(/~/g, '~0').replace(/\//g, '~1')
  return issues.flatMap((issue) => {
    const pointer = `${prefix}${issue.path.map((part) => `/${escaped(part)}`).join('')}`
    const closest = closestForm(issue)
    return closest === null ? [{ pointer, message: issue.message }] : pointers(closest, pointer)
  })
}

/** The issues of the form with the fewest, where one of several is meant beyond doubt; null: it is not. */
function closestForm(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] | null {
  if (issue.code !== 'invalid_union') return null
  const isOther = ({ path, code }: z.core.$ZodIssue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
  const forms = issue.errors.filter((form) => !form.some(isOther)).sort((a, b) => a.length - b.length)
  const [first, second] = forms
  return first === undefined || first.length === second?.length ? null : first
}
