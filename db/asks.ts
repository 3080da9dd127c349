import type postgres from 'postgres'
import type { EndpointAddress } from '../core/endpoint.ts'
import type { AskedType } from '../core/known-fields.ts'
import type { LinkKind } from '../core/link-config.ts'
import type { Problem } from '../core/problems.ts'
import type { RecordScope } from '../core/scope.ts'
import { type EndpointContext, type Question, StoreError } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { loadEndpointContext } from './store-links.ts'

/** An endpoint in a question: a saved one, perhaps at another address, or one that is being tried before it is saved. */
export type AskedEndpoint = { id: string; address?: EndpointAddress } | { unsaved: EndpointContext }

/** A question as it is stored: like Question, with endpoints to be loaded for the bridge that answers. */
export type AskedQuestion =
  | { kind: 'test-connection' | 'places'; endpoint: AskedEndpoint }
  | { kind: 'describe'; endpoint: AskedEndpoint; entityType: string }
  | {
      kind: 'propose-mapping' | 'review'
      left: AskedEndpoint
      right: AskedEndpoint
      entityType: LinkKind
      types?: readonly AskedType[]
    }
  | { kind: 'record'; endpoint: AskedEndpoint; entityType: string; id: string; fields: string[] }
  | { kind: 'favorites'; endpoint: AskedEndpoint; entityType: string }
  | { kind: 'folders-above'; endpoint: AskedEndpoint; entityType: string; ids: string[] }
  | { kind: 'preview-scope'; endpoint: AskedEndpoint; entityType: string; scope: Omit<RecordScope, 'now'> }

/** How long questions and answers, which may hold contents of records, are kept. */
const keptMinutes = 30

export async function createAsk({ sql }: Database, bridgeId: string, question: AskedQuestion): Promise<string> {
  return named('create ask', async () => {
    await sql`delete from answers where expires_at < now()`
    const [row] = await sql<{ id: string }[]>`
      insert into answers (bridge_id, question, expires_at)
      values (${bridgeId}, ${sql.json(question as unknown as postgres.JSONValue)}, now() + make_interval(mins => ${keptMinutes}))
      returning id`
    if (row === undefined) throw new Error('insert answered nothing')
    return row.id
  })
}

export interface AskAnswer {
  answered: boolean
  answer: unknown
  problem: Problem | null
}

export async function readAsk({ sql }: Database, askId: string): Promise<AskAnswer | null> {
  const [row] = await named(
    'read ask',
    () => sql<AskAnswer[]>`
      select answered_at is not null as answered, answer, problem from answers where id = ${askId} and expires_at > now()`,
  )
  return row ?? null
}

export async function loadQuestion({ sql }: Database, bridgeId: string, askId: string): Promise<Question> {
  const [row] = await named(
    'load question',
    () => sql<{ question: AskedQuestion }[]>`select question from answers where id = ${askId} and expires_at > now()`,
  )
  if (row === undefined) throw new StoreError('ask-not-found', 'The question has expired.')
  const open = async (endpoint: AskedEndpoint): Promise<EndpointContext> => {
    if ('unsaved' in endpoint) return endpoint.unsaved
    const saved = await loadEndpointContext(sql, bridgeId, endpoint.id)
    return endpoint.address === undefined ? saved : { ...saved, address: endpoint.address }
  }
  const { question } = row
  if ('left' in question) {
    const [left, right] = await Promise.all([open(question.left), open(question.right)])
    return { ...question, left, right }
  }
  return { ...question, endpoint: await open(question.endpoint) }
}

/** The sealed secret in a question is dropped with its answer. */
export async function answerAsk(
  { sql }: Database,
  input: { askId: string; answer: unknown } | { askId: string; problem: Problem },
): Promise<void> {
  const answer = 'answer' in input ? input.answer : null
  const problem = 'problem' in input ? input.problem : null
  await named(
    'save answer',
    () => sql`
      update answers set answer = ${sql.json(answer as postgres.JSONValue)}, answered_at = now(),
        problem = ${problem === null ? null : sql.json(problem as unknown as postgres.JSONValue)},
        question = jsonb_build_object('kind', question -> 'kind')
      where id = ${input.askId} and answered_at is null`,
  )
}
