import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Annotation } from './annotations.ts'
import { type Row, rows } from './rows.ts'

/** Files of tests below a folder, with slashes, in order. */
export function testFiles(root: string): string[] {
  const skipped = new Set(['node_modules', '.git', 'dist'])
  const below = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : below(path)
      return /\.(test|suite)\.ts$/.test(entry.name) ? [relative(root, path).split(sep).join('/')] : []
    })
  return below(root).sort()
}

/** Everything that does not fit between rows and annotations, in words; empty: nothing. */
export function contradictions(
  annotations: readonly Annotation[],
  table: Readonly<Record<number, Row>> = rows,
): string[] {
  const problems = annotations
    .filter(({ row }) => table[row] === undefined)
    .map(({ row, file, title }) => `${file}: "${title}" covers ${row}, and there is no such row`)
  for (const [number, { state, words }] of Object.entries(table)) {
    const tested = annotations.some(({ row }) => row === Number(number))
    if (!tested && (state === undefined || state === 'partly'))
      problems.push(`Row ${number} is ${state ?? 'tested'}, but no test says that it covers it`)
    if (tested && (state === 'not yet' || state === 'console' || state === 'no connector yet'))
      problems.push(`Row ${number} is "${state}", but a test covers it: say "partly" and what is missing, or nothing`)
    if (state !== undefined && (words ?? '') === '') problems.push(`Row ${number} is "${state}" without words`)
  }
  return problems
}

/** The document: every row with its state, its words and its tests. */
export function coverageDocument(
  annotations: readonly Annotation[],
  table: Readonly<Record<number, Row>> = rows,
): string {
  const cell = (text: string) => text.replace(/\|/g, '\\|')
  const lines = Object.entries(table).map(([number, { expected, state, words }]) => {
    const tests = [
      ...new Set(
        annotations.filter(({ row }) => row === Number(number)).map(({ file, title }) => `\`${file}\`: ${cell(title)}`),
      ),
    ]
    const how = [...(words === undefined ? [] : [cell(words)]), ...tests].join('<br>')
    return `| ${number} | ${cell(expected)} | ${state ?? 'tested'} | ${how} |`
  })
  const states = ['tested', 'partly', 'replaced by', 'not yet', 'console', 'no connector yet']
  const counted = states.map((one) => {
    const count = Object.values(table).filter(({ state }) => (state ?? 'tested') === one).length
    return `${count} ${one}`
  })
  return `# What is covered

Written by \`npm run coverage-doc\` from the comments \`// covers <rows>\` above the tests and from \`test/feature-rows/rows.ts\`;
a test fails where this file says anything else. ${Object.keys(table).length} rows: ${counted.join(', ')}.

- **tested**: the tests named hold it.
- **partly**: the tests named hold a part of it; the words say what is missing.
- **replaced by**: something better stands in its place.
- **not yet**, **console** (a screen that is to come), **no connector yet**: the words say why.

| row | expected | state | tests and words |
| --- | --- | --- | --- |
${lines.join('\n')}
`
}
