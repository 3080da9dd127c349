import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Annotation {
  row: number
  /** With slashes, relative to the root of the project. */
  file: string
  /** Titles of the groups around the test and its own. */
  title: string
}

const annotation = /^(\s*)\/\/ covers ([\d, ]+)$/
const titled = /^(\s*)(?:export )?(describe|it|test)(?:\.\w+)*(?:\(.*\))?\(\s*(?:(['"`])(.*?)\3|$)/
const title = /^\s*(['"`])(.*?)\1,?/

/**
 * What the tests of a file say that they cover: comments `// covers 55, 78` above a test or a group of tests.
 *
 * @throws an error that names file and line of a comment that belongs to no test.
 */
export function annotationsOf(file: string, text: string): Annotation[] {
  const lines = text.split('\n')
  const found: Annotation[] = []
  const groups: { indent: number; title: string }[] = []
  let waiting: { line: number; rows: number[] } | null = null
  for (const [index, line] of lines.entries()) {
    const comment = annotation.exec(line)
    if (comment !== null) {
      waiting = { line: index + 1, rows: (comment[2] ?? '').split(',').map(Number) }
      continue
    }
    const test = titled.exec(line)
    if (test !== null) {
      const indent = test[1]?.length ?? 0
      while ((groups.at(-1)?.indent ?? -1) >= indent) groups.pop()
      const name = test[4] ?? title.exec(lines[index + 1] ?? '')?.[2] ?? ''
      const path = [...groups.map((group) => group.title), name].join(' > ').replace(/\$\{[^}]*\}/g, '…')
      for (const row of waiting?.rows ?? []) found.push({ row, file, title: path })
      waiting = null
      if (test[2] === 'describe') groups.push({ indent, title: name })
    } else if (waiting !== null && !/^\s*(\/\/|\/\*|\*)/.test(line))
      throw new Error(`${file}:${waiting.line} says what is covered, but no test begins in the next line`)
  }
  if (waiting !== null) throw new Error(`${file}:${waiting.line} says what is covered, and no test follows`)
  return found
}

/** What all files say, in the order of rows, files and places. */
export function readAnnotations(root: string, files: readonly string[]): Annotation[] {
  return files
    .flatMap((file) => annotationsOf(file, readFileSync(join(root, file), 'utf8')))
    .sort((a, b) => a.row - b.row || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
}
