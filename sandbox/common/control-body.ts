import { z } from 'zod'

/** A refusal in words. */
export class BadRequest extends Error {}

export const system = z.enum(['alm', 'octane'])
export const whole = z.coerce.number().int().min(0)

/** The body of a request to the control port; throws a refusal that names every wrong field. */
export function parseBody<T extends z.ZodType>(schema: T, text: string): z.infer<T> {
  let body: unknown
  try {
    body = JSON.parse(text === '' ? '{}' : text)
  } catch {
    throw new BadRequest('The body is not valid JSON.')
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success)
    throw new BadRequest(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  return parsed.data
}

/** Leaves out what was not given, for types that tell "not there" from "undefined". */
export function given<T extends object>(value: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [name in keyof T]: Exclude<T[name], undefined>
  }
}
