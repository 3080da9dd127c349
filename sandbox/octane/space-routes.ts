import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { answer, dataOf, envelope } from './answers.ts'
import { chosen, type PlainRow, plainPage } from './plain-rows.ts'
import { methodNotAllowed, notFound, Refusal } from './refusal.ts'
import { logicalNames } from './request-form.ts'
import type { OctaneStore, WriteContext } from './store.ts'

/** The places of the server: one shared space with one workspace. */
export interface OctanePlaces {
  store: OctaneStore
  context: WriteContext
  sharedSpace: string
  workspace: string
}

const placeFields = { id: 'id', name: 'string', logical_name: 'string' }

/** Answers what lies outside the workspace: the version, the space, its workspaces and people; undefined: not such a path. */
export function spaceRoutes(
  request: SandboxRequest,
  { store, context, sharedSpace, workspace }: OctanePlaces,
  visible: boolean,
): SandboxAnswer | undefined {
  const { path, method } = request
  const space = {
    type: 'shared_space',
    id: sharedSpace,
    name: 'Default Shared Space',
    logical_name: logicalNames.sharedSpace,
  }
  if (path === '/admin/server/version' && method === 'GET')
    return answer(200, {
      version: '25.1.12.48',
      display_version: '25.1',
      build_date: '2025-03-01',
      build_number: '48',
      build_revision: '7c1d',
    })
  const home = `/api/shared_spaces/${sharedSpace}`
  const known = path === '/api/shared_spaces' || path.startsWith(home)
  const place = known && !path.startsWith(`${home}/workspaces/`)
  if (place && method !== 'GET' && path !== `${home}/users`) throw methodNotAllowed('GET')
  const listed = (type: string, rows: readonly PlainRow[], types: Record<string, string>) =>
    answer(200, plainPage(request, { store, type, rows, types }))
  if (path === '/api/shared_spaces') return listed('shared_space', [space], placeFields)
  if (path === home) return answer(200, chosen(request.query.get('fields'))(space))
  if (path === `${home}/workspaces`) return listed('workspace', visible ? [workspaceRow(workspace)] : [], placeFields)
  if (path !== `${home}/users` && !path.startsWith(`${home}/users/`)) return undefined
  if (method === 'POST') return createUsers(request, store, context)
  if (method !== 'GET') throw methodNotAllowed('GET', 'POST')
  const users = [...store.rows('workspace_user').values()].map((user) => ({ ...user, type: 'sharedspace_user' }))
  if (path === `${home}/users`) return listed('sharedspace_user', users, userFields(store))
  const id = path.slice(`${home}/users/`.length)
  const found = users.find((user) => user.id === id)
  if (found === undefined) throw notFound('sharedspace_user', id)
  return answer(200, chosen(request.query.get('fields'))(found))
}

export function workspaceRow(workspace: string) {
  return { type: 'workspace', id: workspace, name: 'Demo', logical_name: logicalNames.workspace }
}

function userFields(store: OctaneStore): Record<string, string> {
  const { fields } = store.model('workspace_user')
  return Object.fromEntries(fields.map(({ name, type }) => [name, name === 'id' ? 'id' : type]))
}

/** New people of the space: known by their e-mail where they have no other name, which nobody else has. */
function createUsers(request: SandboxRequest, store: OctaneStore, context: WriteContext): SandboxAnswer {
  const known = new Set(store.model('workspace_user').fields.map((field) => field.name))
  const created = dataOf(request).map((user) => {
    const name = user.name ?? user.email
    const taken = [...store.rows('workspace_user').values()].some(
      (other) => String(other.name).toLowerCase() === String(name).toLowerCase(),
    )
    if (taken) {
      const about = { entity_type: 'sharedspace_user' }
      const message = `A user named '${String(name)}' exists already.`
      throw new Refusal(409, 'platform.duplicate_entity_error', message, about, true)
    }
    // A person of the space has more than the workspace shows, a password for one.
    const shown = Object.entries(user).filter(([field]) => known.has(field) && field !== 'id' && field !== 'type')
    const full = user.full_name ?? `${String(user.first_name ?? '')} ${String(user.last_name ?? '')}`.trim()
    const named = name === undefined ? {} : { name }
    return store.create('workspace_user', { ...Object.fromEntries(shown), ...named, full_name: full }, context)
  })
  const rows = created.map((user) => ({ type: 'sharedspace_user', id: user.id }))
  return answer(201, envelope(rows, rows.length))
}
