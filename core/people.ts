import type { EndpointUser } from './metadata.ts'
import type { LinkContext } from './store.ts'
import { flowsTo, otherSide, type Side, sides } from './values.ts'

/** A line of the user mapping; null stands for everybody else of that side. */
export type UserPair = LinkContext['users'][number]

/** How somebody's twin was found. */
export type FoundBy = 'mapping' | 'email' | 'login' | 'name'

/** Who is who on both sides of a link. */
export interface People {
  /** The person that a user field's value names; undefined: the endpoint does not list them (any more). */
  person(from: Side, key: string): EndpointUser | undefined
  /** Key of the twin on the other side. */
  twinOf(from: Side, key: string): { key: string; by: FoundBy } | undefined
  /** Key of whoever stands in on a side for people without twin, as the mapping says. */
  standIn(side: Side): string | null
  /** Lines of the mapping whose values would become somebody who is not there (any more). */
  unknown: readonly UserPair[]
}

interface PeopleIndex {
  byKey: Map<string, EndpointUser>
  byEmail: Map<string, EndpointUser[]>
  byLogin: Map<string, EndpointUser[]>
  byName: Map<string, EndpointUser[]>
}

/**
 * Joins the people of both sides: by the admin's pairs, then by any of their addresses, login and full name. Pairs name
 * people by key, login or address, so that an account made anew is found again; a pair whose twin is gone does not count.
 */
export function joinPeople(users: Readonly<Record<Side, readonly EndpointUser[]>>, pairs: readonly UserPair[]): People {
  const index = { left: indexPeople(users.left), right: indexPeople(users.right) }
  const mapped: Record<Side, Map<string, string>> = { left: new Map(), right: new Map() }
  const standIns: Record<Side, string | null> = { left: null, right: null }
  const unknown: UserPair[] = []
  for (const pair of pairs) {
    const ways = sides.filter((from) => flowsTo(pair, otherSide(from)) && pair[otherSide(from)] !== null)
    if (ways.some((from) => named(index[otherSide(from)], pair[otherSide(from)] ?? '') === undefined))
      unknown.push(pair)
    for (const from of ways) {
      const to = otherSide(from)
      const source = pair[from]
      const twin = named(index[to], pair[to] ?? '')
      if (twin === undefined) continue
      if (source === null) standIns[to] = twin.key
      // Records may name people whom the endpoint does not list any more.
      else mapped[from].set((named(index[from], source)?.key ?? source).toLowerCase(), twin.key)
    }
  }

  return {
    person: (from, key) => index[from].byKey.get(key.toLowerCase()),
    twinOf(from, key) {
      const twin = mapped[from].get(key.toLowerCase())
      if (twin !== undefined) return { key: twin, by: 'mapping' }
      const person = index[from].byKey.get(key.toLowerCase())
      return person === undefined ? undefined : match(person, index[otherSide(from)])
    },
    standIn: (side) => standIns[side],
    unknown,
  }
}

/** Finds the user that a line of the mapping names: by key, login or one of their addresses; undefined: none, or several. */
export function userFinder(users: readonly EndpointUser[]): (text: string) => EndpointUser | undefined {
  const index = indexPeople(users)
  return (text) => named(index, text)
}

function named({ byKey, byLogin, byEmail }: PeopleIndex, text: string): EndpointUser | undefined {
  const key = text.trim().toLowerCase()
  return byKey.get(key) ?? only(byLogin.get(key) ?? []) ?? only(byEmail.get(key) ?? [])
}

/** A list of thousands serves every batch for minutes. */
const indexes = new WeakMap<readonly EndpointUser[], PeopleIndex>()

function indexPeople(users: readonly EndpointUser[]): PeopleIndex {
  const known = indexes.get(users)
  if (known !== undefined) return known
  const index: PeopleIndex = { byKey: new Map(), byEmail: new Map(), byLogin: new Map(), byName: new Map() }
  const add = (map: Map<string, EndpointUser[]>, key: string, user: EndpointUser) => {
    const normal = key.trim().toLowerCase()
    if (normal === '') return
    const list = map.get(normal)
    if (list === undefined) map.set(normal, [user])
    else list.push(user)
  }
  for (const user of users) {
    index.byKey.set(user.key.toLowerCase(), user)
    if (user.machine) continue
    for (const email of user.emails) add(index.byEmail, email, user)
    add(index.byLogin, user.login, user)
    add(index.byName, user.name, user)
  }
  indexes.set(users, index)
  return index
}

/** The one twin by e-mail (any address), then login, then full name; active accounts first; never one of several. */
function match(person: EndpointUser, others: PeopleIndex): { key: string; by: FoundBy } | undefined {
  const rounds: [FoundBy, EndpointUser[]][] = [
    ['email', person.emails.flatMap((email) => others.byEmail.get(email.trim().toLowerCase()) ?? [])],
    [
      'login',
      [person.login, ...person.emails].flatMap((login) => others.byLogin.get(login.trim().toLowerCase()) ?? []),
    ],
    ['login', others.byEmail.get(person.login.trim().toLowerCase()) ?? []],
    ['name', others.byName.get(person.name.trim().toLowerCase()) ?? []],
  ]
  for (const [by, found] of rounds) {
    const one = only(found)
    if (one !== undefined) return { key: one.key, by }
  }
  return undefined
}

/** The only active account, else the only one. */
function only(found: readonly EndpointUser[]): EndpointUser | undefined {
  const unique = [...new Set(found)]
  const active = unique.filter((user) => user.active)
  if (active.length === 1) return active[0]
  return active.length === 0 && unique.length === 1 ? unique[0] : undefined
}
