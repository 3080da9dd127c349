import { issueWords } from '../../core/issue-words.ts'
import { type LinkConfiguration, linkConfigurationToSave } from '../../core/link-config.ts'
import { ApiProblem, pointers } from '../problem.ts'

/** A whole configuration by the product's own rules: every problem at once, each with its pointer. */
export function validConfiguration(input: unknown): LinkConfiguration {
  const parsed = linkConfigurationToSave.safeParse(input, { error: issueWords })
  if (parsed.success) return parsed.data
  const errors = pointers(parsed.error.issues, '/configuration')
  throw new ApiProblem(
    422,
    'invalid-configuration',
    `The configuration has ${errors.length} problem${errors.length === 1 ? '' : 's'}: ${errors.map((error) => `${error.pointer} ${error.message}`).join('; ')}`,
    {
      remedy: 'Correct all that is listed and save again; nothing was changed.',
      errors,
    },
  )
}
