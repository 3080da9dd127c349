import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issueWords } from './issue-words.ts'

const said = (schema: z.ZodType, value: unknown) =>
  (schema.safeParse(value, { error: issueWords }).error?.issues ?? []).map(({ message }) => message)

const page = z.coerce.number().int().min(1).max(200)

/** A value for each kind of issue that zod knows, with what people read of it. */
const kinds: Record<z.core.$ZodIssue['code'], [schema: z.ZodType, value: unknown, words: string][]> = {
  invalid_type: [
    [z.string(), 1, 'must be a text'],
    [z.string(), undefined, 'is missing: it must be a text'],
    [z.boolean(), null, 'must be true or false'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.record(z.string(), z.string()), [], 'must be an object in braces'],
    [z.number(), '5', 'must be a number'],
    // As a query holds them.
    [page, 'many', 'must be a whole number from 1 to 200'],
    [page, ['1', '2'], 'must be a whole number from 1 to 200'],
    [page, '1.5', 'must be a whole number from 1 to 200'],
  ],
  invalid_value: [
    [z.enum(['left', 'right']), 'up', 'must be one of left, right'],
    [z.literal(true), false, 'must be true'],
    [z.enum(['left', 'right']), undefined, 'is missing: it must be one of left, right'],
  ],
  too_small: [
    [z.string().min(3), 'a', 'must have at least 3 characters'],
    [z.string().min(1), '', 'must not be empty'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
    [z.array(z.string()).length(2), [], 'must hold exactly 2 entries'],
    [page, '0', 'must be a whole number from 1 to 200'],
    [z.number().min(0), -1, 'must be a number from 0 up'],
    [z.number().gt(0), 0, 'must be more than 0'],
  ],
  too_big: [
    [z.string().max(3), 'long', 'must have at most 3 characters'],
    [z.array(z.string()).max(1), ['a', 'b'], 'must hold at most 1 entry'],
    [page, '201', 'must be a whole number from 1 to 200'],
    [z.int().max(5), 6, 'must be a whole number up to 5'],
  ],
  not_multiple_of: [[z.number().multipleOf(5), 6, 'must be a multiple of 5']],
  invalid_format: [
    [z.uuid(), 'x', 'must be an id, as lists show it'],
    [z.iso.datetime(), 'x', 'must be a time such as 2026-11-25T00:00:00Z'],
    [z.url(), 'x', 'must be an address such as https://alm.example.com:8443/qcbin'],
    [z.string().startsWith('left:'), 'x', 'must begin with "left:"'],
    [z.string().regex(/^a/), 'x', 'must have the form that /docs tells of'],
  ],
  unrecognized_keys: [[z.strictObject({}), { a: 1, b: 2 }, 'may not hold "a" and "b"']],
  invalid_union: [
    [z.union([z.string(), z.number()]), true, 'must be a text, or must be a number'],
    [
      z.discriminatedUnion('kind', [z.object({ kind: z.literal('alm') }), z.object({ kind: z.literal('octane') })]),
      { kind: 'jira' },
      'must be one of alm, octane',
    ],
  ],
  invalid_key: [
    [
      z.record(z.string().min(3), z.string()),
      { a: '' },
      'has a name that does not fit: it must have at least 3 characters',
    ],
  ],
  invalid_element: [[z.map(z.string(), z.string()), new Map([['a', 1]]), 'must be a text']],
  custom: [[z.string().refine(() => false), 'a', 'does not fit']],
}

describe('what is wrong with a value is said in plain words', () => {
  for (const [code, cases] of Object.entries(kinds))
    it(`where zod tells of ${code}`, () => {
      for (const [schema, value, words] of cases) expect(said(schema, value)).toEqual([words])
    })

  it('and in those of the schema where it has some', () => {
    expect(said(z.string().min(3, 'needs a reason'), 'a')).toEqual(['needs a reason'])
    expect(said(z.coerce.number('must be the number of a version'), 'x')).toEqual(['must be the number of a version'])
  })

  it('without the value, which may be a secret', () => {
    for (const cases of Object.values(kinds))
      for (const [schema] of cases) expect(said(schema, 'hunter2').join(' ')).not.toContain('hunter2')
  })
})
