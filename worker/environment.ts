import { readFileSync } from 'node:fs'
import type { JWK } from 'jose'
import { z } from 'zod'
import { issueWords } from '../core/issue-words.ts'

/** What every worker process is told by its environment. Unknown or bad values end the start with words. */
const common = {
  TANDEM_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be an address such as postgres://user@host/tandem'),
  TEMPORAL_ADDRESS: z.string().regex(/^[^/]+:\d+$/, 'must be host:port, such as 127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TANDEM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
}

const centralEnvironment = z.object({
  ...common,
  TANDEM_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'must be an address such as smtp://mail.example.com:25')
    .optional(),
  TANDEM_MAIL_FROM: z.string().default('Tandem <tandem@localhost>'),
  TANDEM_NOTICE_TO: z.string().optional(),
  TANDEM_PUBLIC_URL: z.string().default('http://127.0.0.1:8700'),
  /** Where the key of the ledger's seals lies, and the seals themselves; none: the ledger is not sealed. */
  TANDEM_SEAL_FOLDER: z.string().min(1).optional(),
})

const bridgeEnvironment = z.object({
  ...common,
  TANDEM_BRIDGE_ID: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/, 'takes lower-case letters, digits and dashes')
    .default('built-in'),
  /** How long a batch belongs to the worker that took it; after a crash its records wait for so long and a quarter more. */
  TANDEM_LEASE_SECONDS: z.coerce.number().int().min(4).max(600).default(60),
  TANDEM_BRIDGE_KEY_FILE: z.string().min(1, 'names the file with the private key of this bridge'),
})

export type CentralEnvironment = z.infer<typeof centralEnvironment>
export type BridgeEnvironment = z.infer<typeof bridgeEnvironment>

export function readCentralEnvironment(env: NodeJS.ProcessEnv): CentralEnvironment {
  return parse(centralEnvironment, env)
}

export function readBridgeEnvironment(env: NodeJS.ProcessEnv): BridgeEnvironment {
  return parse(bridgeEnvironment, env)
}

function parse<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.infer<T> {
  const parsed = schema.safeParse(env, { error: issueWords })
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The environment is not complete:\n${lines.join('\n')}`)
}

/** The bridge's private key, a JWK with `kid` and `alg`. */
export function readBridgeKey(file: string): JWK {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JWK
  } catch {
    throw new Error(`The key of this bridge cannot be read from ${file} (TANDEM_BRIDGE_KEY_FILE).`)
  }
}
