import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { answer, dataOf, envelope } from './answers.ts'
import { textsAsked } from './metadata.ts'
import { methodNotAllowed } from './refusal.ts'
import type { OctaneStore, WriteContext } from './store.ts'

/** The places of the server: one shared space with one workspace. */
export interface OctanePlaces {
  store: OctaneStore
  context: WriteContext
  sharedSpace: string
  workspace: string
}

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
    logical_name: 'default_shared_space',
  }
  if (path === '/admin/server/version' && method === 'GET')
    return answer(200, {
      version: '25.1.12.48',
      display_version: '25.1',
      build_date: '2025-03-01',
      build_number: '48',
      build_revision: '7c1d',
    })
  const known = path === '/api/shared_spaces' || path.startsWith(`/api/shared_spaces/${sharedSpace}`)
  const place = known && !path.startsWith(`/api/shared_spaces/${sharedSpace}/workspaces/`)
  if (place && method !== 'GET' && !path.endsWith('/users')) throw methodNotAllowed()
  if (path === '/api/shared_spaces') return answer(200, envelope([space], 1))
  if (path === `/api/shared_spaces/${sharedSpace}`) return answer(200, space)
  if (path === `/api/shared_spaces/${sharedSpace}/workspaces`) {
    const names = textsAsked(request.query.get('query') ?? '', 'name')
    const found = (visible ? [workspaceRow(workspace)] : []).filter((one) => names?.includes(one.name) ?? true)
    return answer(200, envelope(found, found.length))
  }
  if (path === `/api/shared_spaces/${sharedSpace}/users`) return users(request, store, context)
  return undefined
}

export function workspaceRow(workspace: string) {
  return { type: 'workspace', id: workspace, name: 'Demo', logical_name: 'demo' }
}

function users(request: SandboxRequest, store: OctaneStore, context: WriteContext): SandboxAnswer {
  const names = textsAsked(request.query.get('query') ?? '', 'name')
  const rows = [...store.rows('workspace_user').values()]
    .filter((user) => names?.includes(String(user.name)) ?? true)
    .map((user) => ({ ...user, type: 'sharedspace_user' }))
  if (request.method === 'GET') return answer(200, envelope(rows, rows.length))
  if (request.method !== 'POST') throw methodNotAllowed()
  const known = new Set(store.model('workspace_user').fields.map((field) => field.name))
  const created = dataOf(request).map((user) =>
    store.create(
      'workspace_user',
      {
        // A person of the space has more than the workspace shows, a password for one.
        ...Object.fromEntries(
          Object.entries(user).filter(([name]) => known.has(name) && name !== 'id' && name !== 'type'),
        ),
        full_name: user.full_name ?? `${String(user.first_name ?? '')} ${String(user.last_name ?? '')}`.trim(),
      },
      context,
    ),
  )
  return answer(
    201,
    envelope(
      created.map((user) => ({ type: 'sharedspace_user', id: user.id })),
      created.length,
    ),
  )
}
