import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPeople, type PeopleLine, parsePeople } from './people-csv.ts'

const name = fc
  .string({ unit: fc.constantFrom('a', 'B', '7', ' ', ',', '"', '#', '<', '>', 'ä', '@', '.', '\uFEFF'), minLength: 1 })
  .map((text) => `x${text}`)
const wild = fc.oneof(
  name,
  name.map((text) => text.slice(1)),
)
const pairs = fc.uniqueArray(
  fc.record({
    left: wild,
    right: wild,
    direction: fc.constantFrom('both', 'to-right', 'to-left'),
  }) as fc.Arbitrary<PeopleLine>,
  {
    comparator: (one, other) =>
      one.left.toLowerCase() === other.left.toLowerCase() || one.right.toLowerCase() === other.right.toLowerCase(),
  },
)

describe('files of pairs of people', () => {
  it('are read as they were written, with any line ends, a byte order mark, comments and empty lines', () => {
    fc.assert(
      fc.property(pairs, fc.constantFrom('\n', '\r\n', '\r'), fc.boolean(), (list, end, mark) => {
        const text = `${mark ? '\uFEFF' : ''}# people${end}${end}${formatPeople(list).replaceAll('\n', end)}`
        expect(parsePeople(text)).toEqual({
          ok: true,
          pairs: list.map((pair, index) => ({ ...pair, line: index + 3 })),
        })
      }),
    )
  })

  it('with one bad line anywhere give nothing but that line', () => {
    const bad = fc.constantFrom(
      'ann',
      'ann,=,a@x',
      'ann,<>',
      ',>,a@x',
      'ann,>,',
      'ann,>,a@x,more',
      '"ann,>,a@x',
      '"ann"b,>,a@x',
    )
    fc.assert(
      fc.property(pairs, bad, fc.nat(), (list, wrong, at) => {
        const lines = formatPeople(list).split('\n').slice(0, -1)
        const index = at % (lines.length + 1)
        lines.splice(index, 0, wrong)
        expect(parsePeople(lines.join('\n'))).toEqual({
          ok: false,
          errors: [{ line: index + 1, message: expect.any(String) }],
        })
      }),
    )
  })

  it('take one twin of a person in a direction, and another in the other', () => {
    expect(parsePeople('ann,>,a@x\nann,<,b@x\n')).toMatchObject({ ok: true })
    expect(parsePeople('ann,>,a@x\nANN,<>,b@x\n')).toEqual({
      ok: false,
      errors: [{ line: 2, message: expect.stringContaining('Line 1') }],
    })
    expect(parsePeople('ann,<>,a@x\nbob,<,A@x\n')).toEqual({
      ok: false,
      errors: [{ line: 2, message: expect.stringContaining('Line 1') }],
    })
    expect(parsePeople('ann,>,a@x\nbob,>,a@x\n')).toMatchObject({ ok: true })
  })

  it('take "*" for everybody else, one way only', () => {
    expect(parsePeople('*,>,a@x\nann,<,*\n')).toMatchObject({ ok: true })
    const errors = [1, 2, 3, 4].map((line) => expect.objectContaining({ line }))
    expect(parsePeople('*,<>,a@x\nann,<>,*\n*,<,a@x\nann,>,*\n')).toEqual({ ok: false, errors })
  })
})
