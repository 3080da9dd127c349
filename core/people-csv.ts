/** A pair of people as the file tells it: an ALM user name and an e-mail address of an Octane user; `*`: everybody else. */
export interface PeopleLine {
  left: string
  right: string
  direction: 'both' | 'to-right' | 'to-left'
}

/** What is wrong with a line of the file; lines count from 1. */
export interface LineError {
  line: number
  message: string
}

/** Either every pair of the file, or every line that is wrong: nothing is taken of a file with a bad line. */
export type ParsedPeople = { ok: true; pairs: (PeopleLine & { line: number })[] } | { ok: false; errors: LineError[] }

const directions = { '>': 'to-right', '<': 'to-left', '<>': 'both' } as const
const arrows = { 'to-right': '>', 'to-left': '<', both: '<>' } as const

/**
 * Reads a file of pairs of people, `<ALM user name>,<direction>,<Octane e-mail>` a line. `>` takes the ALM user to the Octane
 * user, `<` the other way, `<>` both. `*` stands for everybody else of a side, so that the other end is the default user: one
 * way only, or everybody would become one. Empty lines, lines that begin with `#`, quoted values, any line ends and a byte order
 * mark are taken; a line that leaves open who somebody becomes is an error. Names compare without case.
 */
export function parsePeople(text: string): ParsedPeople {
  const pairs: (PeopleLine & { line: number })[] = []
  const errors: LineError[] = []
  const known = { right: new Map<string, number>(), left: new Map<string, number>() }
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .forEach((raw, index) => {
      const line = index + 1
      if (raw.trim() === '' || raw.trimStart().startsWith('#')) return
      const read = readLine(raw)
      if (typeof read === 'string') {
        errors.push({ line, message: read })
        return
      }
      const [left, right] = [read.left.toLowerCase(), read.right.toLowerCase()]
      const clash = (from: 'left' | 'right', key: string) => {
        const earlier = known[from].get(key)
        if (earlier === undefined) known[from].set(key, line)
        else
          errors.push({
            line,
            message: `Line ${earlier} says already who ${from === 'left' ? read.left : read.right} becomes on the other side.`,
          })
      }
      if (read.direction !== 'to-left') clash('left', left)
      if (read.direction !== 'to-right') clash('right', right)
      pairs.push({ ...read, line })
    })
  return errors.length > 0 ? { ok: false, errors } : { ok: true, pairs }
}

/** Writes pairs so that `parsePeople` reads the same again. Names must hold no line ends. */
export function formatPeople(pairs: readonly PeopleLine[]): string {
  return pairs.map(({ left, right, direction }) => `${quoted(left)},${arrows[direction]},${quoted(right)}\n`).join('')
}

function quoted(value: string): string {
  return /[",\s]|^#|^\uFEFF/.test(value) ? `"${value.replace(/"/g, '""')}"` : value
}

function readLine(raw: string): PeopleLine | string {
  const cells = readCells(raw)
  if (cells === null) return 'A quotation mark is not closed, or something follows it.'
  if (cells.length !== 3)
    return `It has ${cells.length === 1 ? 'one value' : `${cells.length} values`}; it takes three: ALM user name, direction, Octane e-mail.`
  const [left = '', arrow = '', right = ''] = cells
  if (left === '') return 'The ALM user name is missing.'
  if (right === '') return 'The e-mail address of the Octane user is missing.'
  if (arrow !== '<' && arrow !== '>' && arrow !== '<>') return `"${arrow}" is no direction: take <, > or <>.`
  const everybody = [...(left === '*' ? ['<', '<>'] : []), ...(right === '*' ? ['>', '<>'] : [])]
  if (everybody.includes(arrow))
    return `"*" stands for everybody else, who becomes one person: it takes ${left === '*' ? '>' : '<'}.`
  return { left, right, direction: directions[arrow] }
}

/** The values of a line; null: its quotation marks do not match. Blanks around values do not count, but in quotes they do. */
function readCells(raw: string): string[] | null {
  const cells: string[] = []
  const cell = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y
  for (;;) {
    const found = cell.exec(raw)
    if (found === null) return null
    cells.push(found[1]?.replace(/""/g, '"') ?? (found[2] ?? '').trim())
    if (found[3] !== ',') return cells
  }
}
