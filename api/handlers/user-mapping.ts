import type { SideMetadata } from '../../core/metadata.ts'
import { type FoundBy, joinPeople, type UserPair, userFinder } from '../../core/people.ts'
import { formatPeople, type LineError, type PeopleLine, parsePeople } from '../../core/people-csv.ts'
import { flowsTo, otherSide, type Side, sides } from '../../core/values.ts'
import { getLink, listLinkVersions } from '../../db/links.ts'
import { loadUserMapping, saveUserMapping } from '../../db/user-mappings.ts'
import { notFound } from '../problem.ts'
import { askEndpoint } from './ask.ts'
import { badLines } from './bad-lines.ts'
import { validConfiguration } from './configuration.ts'
import type { Dependencies, Handlers } from './types.ts'

type Names = 'userMapping' | 'importUserMapping' | 'exportUserMapping' | 'mappedPeople'

/** Who is who on both sides, for all links of two endpoints. */
export function userMappingHandlers(dependencies: Dependencies): Pick<Handlers, Names> {
  const { database, temporal } = dependencies

  async function existing(linkId: string) {
    const found = await loadUserMapping(database, linkId)
    if (found === null) throw notFound('link', linkId)
    return found
  }

  /** The people of both sides as the endpoints list them now, and what a link does with those who have no twin. */
  async function currentPeople(linkId: string) {
    const link = await getLink(database, linkId)
    if (link === null) throw notFound('link', linkId)
    const [version] = await listLinkVersions(database, linkId, link.version)
    const configuration = validConfiguration(version?.configuration)
    const [left, right] = await Promise.all(
      sides.map(async (side) => {
        const { endpointId, entityType } = configuration[side]
        const question = { kind: 'describe' as const, endpoint: { id: endpointId }, entityType }
        return (await askEndpoint<SideMetadata>(dependencies, question)).users
      }),
    )
    return { link, configuration, users: { left: left ?? [], right: right ?? [] } }
  }

  return {
    userMapping: ({ params }) => existing(params.id),

    importUserMapping: async ({ params, body }, { actor }) => {
      await existing(params.id)
      const parsed = parsePeople(body.csv)
      if (!parsed.ok) throw badLines(parsed.errors)
      const { link, users } = await currentPeople(params.id)
      const names = { left: link.left.name, right: link.right.name }
      const finders = { left: userFinder(users.left), right: userFinder(users.right) }
      const found = (side: Side, text: string) => finders[side](text)
      const errors: LineError[] = []
      const notes: string[] = []
      for (const { line, ...pair } of parsed.pairs)
        for (const side of sides) {
          const text = pair[side]
          if (text === '*' || found(side, text) !== undefined) continue
          // Records may still name somebody who has left; nobody can become them.
          if (flowsTo(pair, side)) errors.push({ line, message: `${names[side]} has no user "${text}", or several.` })
          else notes.push(`line ${line}: ${names[side]} does not list "${text}"; records that name them are carried.`)
        }
      if (errors.length > 0) throw badLines(errors)
      const { links, ...saved } = await saveUserMapping(database, {
        linkId: params.id,
        pairs: parsed.pairs.map(storedPair),
        keyOf: (side, text) => found(side, text)?.key ?? text,
        actor,
      })
      // They are due in any case; a link in automatic mode need not wait for its next look.
      await Promise.allSettled(links.map((id) => temporal.wake(id)))
      return { ...saved, notes }
    },

    exportUserMapping: async ({ params }) => {
      const { pairs } = await existing(params.id)
      const text = formatPeople(
        pairs.map(({ left, right, direction }) => ({ left: left ?? '*', right: right ?? '*', direction })),
      )
      return { type: 'text/csv; charset=utf-8', fileName: 'user-mapping.csv', chunks: only(text) }
    },

    mappedPeople: async ({ params }) => {
      const { pairs } = await existing(params.id)
      const { configuration, users } = await currentPeople(params.id)
      const people = joinPeople(users, pairs)
      const items = sides.flatMap((side) => {
        const to = otherSide(side)
        return users[side].flatMap(({ machine, ...user }) => {
          if (machine || !user.active) return []
          const twin = people.twinOf(side, user.key)
          const standIn = people.standIn(to) ?? configuration.defaultUsers[to]
          const key = twin?.key ?? standIn
          const by: FoundBy | 'default' | null = twin?.by ?? (standIn === null ? null : 'default')
          return [
            {
              side,
              ...user,
              emails: [...user.emails],
              twin: key === null ? null : { key, name: people.person(to, key)?.name ?? key },
              by,
            },
          ]
        })
      })
      return { items }
    },
  }
}

function storedPair({ left, right, direction }: PeopleLine): UserPair {
  return { left: left === '*' ? null : left, right: right === '*' ? null : right, direction }
}

async function* only(text: string): AsyncGenerator<string> {
  yield text
}
