import type { Command } from 'commander'
import { askSecret, readSecret, secretOfFile } from './secret.ts'

/** Who signs in at a system, and where the secret comes from. */
export interface SignInOptions {
  user?: string
  clientId?: string
  secretStdin?: boolean
  secretEnv?: string
  secretFile?: string
}

export function withSignIn(command: Command): Command {
  return command
    .option('--user <login>', 'sign in with a user and password')
    .option('--client-id <id>', 'sign in with an API key')
    .option('--secret-stdin', 'read the password or secret from the standard input')
    .option('--secret-env <name>', 'take the password or secret from an environment variable')
    .option('--secret-file <file>', 'take the first line of a file, such as a mounted secret')
}

/** The credentials as the API takes them. */
export async function credentialsOf(options: SignInOptions) {
  const { user, clientId } = options
  if (user !== undefined && clientId === undefined)
    return { kind: 'password', user, password: await secretOf(options, `Password of ${user}: `) } as const
  if (clientId !== undefined && user === undefined)
    return { kind: 'api-key', clientId, clientSecret: await secretOf(options, 'Secret of the API key: ') } as const
  throw new Error('Give either --user or --client-id.')
}

async function secretOf(options: SignInOptions, question: string): Promise<string> {
  if (options.secretStdin === true) return readSecret()
  if (options.secretEnv !== undefined) {
    const secret = process.env[options.secretEnv]
    if (secret === undefined) throw new Error(`The environment variable ${options.secretEnv} is not set.`)
    return secret
  }
  if (options.secretFile !== undefined) return secretOfFile(options.secretFile)
  return askSecret(question)
}
