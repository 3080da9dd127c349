import { writeFileSync } from 'node:fs'
import { readAnnotations } from './annotations.ts'
import { contradictions, coverageDocument, testFiles } from './document.ts'

/** `npm run coverage-doc`: writes docs/coverage.md anew, or says what does not fit. */
const root = process.cwd()
const annotations = readAnnotations(root, testFiles(root))
writeFileSync('docs/coverage.md', coverageDocument(annotations))
const problems = contradictions(annotations)
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
