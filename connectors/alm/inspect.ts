import type { Held, TypeStanding } from '../../core/check-standing.ts'
import { type CallOptions, ConnectorError } from '../contract.ts'
import { isHtml } from '../http.ts'
import type { Session } from '../session.ts'
import type { AlmCalls } from './connector.ts'
import { assertSuccess } from './errors.ts'
import { asArray } from './schema.ts'

interface Parts {
  calls: AlmCalls
  /** Path of the project. */
  project: string
  send: Session['send']
  whoAmI(call?: CallOptions): Promise<string>
  /** Updates lock their record. */
  locks: boolean
}

const held: Readonly<Record<string, Held>> = { yes: 'yes', owneronly: 'own', no: 'no' }

/**
 * What the user may do, by `customization/entities/{e}/permissions`: the rights of whoever is signed in, known as XML only.
 * Servers without it, and whatever they leave out, make a right `unknown`.
 */
export function createInspect({ calls, project, send, whoAmI, locks }: Parts) {
  return async (entityType: string, call: CallOptions = {}): Promise<TypeStanding[]> => {
    const [visible, said, descriptor, roles] = await Promise.all([
      unlessForbidden(() => calls.list(entityType, { fields: 'id', 'page-size': '1' }, call)),
      permissionsOf(entityType, call),
      descriptorOf(entityType, call),
      rolesOf(call),
    ])
    const right = (name: string): Held => held[said[name]?.toLowerCase() ?? ''] ?? 'unknown'
    const update = right('Modify')
    const frozen = Object.entries(said).flatMap(([name, value]) =>
      name.startsWith('Field ') && /^no$/i.test(value) ? [name.slice(6)] : [],
    )
    // Locking is an action of its own on some servers; elsewhere whoever may modify may lock.
    const lock = !locks || descriptor.locks === false ? 'yes' : 'Action Lock' in said ? right('Action Lock') : update
    return [
      {
        entityType,
        label: descriptor.label,
        may: {
          read: visible === null ? 'no' : 'yes',
          create: right('Create'),
          update,
          delete: right('Delete'),
          lock,
        },
        frozen,
        roles,
        visible: visible?.total ?? 0,
        standsUnder: null,
        // Mails by conditions of the project are told nowhere; rules are part of the workflow's scripts.
        reacts: { mails: null, rules: false, workflow: descriptor.workflow },
      },
    ]
  }

  /** Rights by name: `Create`, `Field severity`, `Action Lock`; empty: the server does not tell. */
  async function permissionsOf(entityType: string, call: CallOptions): Promise<Record<string, string>> {
    const answer = await send({
      method: 'GET',
      path: `${project}/customization/entities/${entityType}/permissions`,
      headers: { accept: 'application/xml' },
      idempotent: true,
      ...call,
    })
    if ([403, 404, 405, 406].includes(answer.status) || isHtml(answer)) return {}
    assertSuccess(answer, calls.name)
    const rights: Record<string, string> = {}
    for (const [, name = '', value = ''] of answer.text.matchAll(/<(Create|Modify|Delete)>\s*(\w+)\s*</g))
      rights[name] = value
    for (const [, kind = '', name = '', value = ''] of answer.text.matchAll(
      /<(Field|Action)\b[^>]*\bName="([^"]*)"[^>]*>\s*(\w+)\s*</g,
    ))
      rights[`${kind} ${name}`] = value
    return rights
  }

  async function descriptorOf(entityType: string, call: CallOptions) {
    const body = (await unlessForbidden(() =>
      calls.get(`/customization/entities/${entityType}`, {}, call),
    )) as Descriptors | null
    const rows = body?.EntityResourceDescriptor ?? body?.EntityResourceDescriptors ?? []
    const [found] = asArray(rows)
    const flag = (value: unknown): boolean | null =>
      typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : null
    return {
      label: found?.Label ?? entityType,
      locks: flag(found?.SupportsLock),
      workflow: flag(found?.SupportsWorkflow),
    }
  }

  /** Newer servers alone tell the groups of a user. */
  async function rolesOf(call: CallOptions): Promise<string[]> {
    const path = `/customization/users/${encodeURIComponent(await whoAmI(call))}`
    const body = (await unlessForbidden(() => calls.get(path, { 'show-user-groups-names': 'true' }, call))) as {
      groups?: { group?: { name?: string }[] | { name?: string } }
    } | null
    return asArray(body?.groups?.group).flatMap((group) => group.name ?? [])
  }
}

interface Descriptors {
  EntityResourceDescriptor?: Descriptor[] | Descriptor
  EntityResourceDescriptors?: Descriptor[] | Descriptor
}

type Descriptor = { Label?: string } & Readonly<Record<'SupportsLock' | 'SupportsWorkflow', unknown>>

/** Null: the server refuses it, or does not have it. */
async function unlessForbidden<T>(body: () => Promise<T>): Promise<T | null> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof ConnectorError && ['forbidden', 'missing', 'refused'].includes(error.problem.class))
      return null
    throw error
  }
}
