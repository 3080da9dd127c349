import { ConnectorError } from '../contract.ts'
import { asArray } from './schema.ts'
import type { AlmClause } from './scope-filter.ts'

/** `Favorites` in JSON: attributes and elements alike are keys. */
interface WireFavorite {
  id?: string | number
  name?: string
  owner?: string
  'is-public'?: string | boolean
  Filter?: { Entity?: string; Where?: unknown } | null
}

export interface AlmFavorite {
  id: string
  name: string
  owner: string
  public: boolean
  /** Entity type that it filters. */
  entityType: string
  where: unknown
}

/** Modules of the entity types that people keep favorites of. */
export const favoriteModules: Readonly<Record<string, string>> = { defect: '0', requirement: '3' }

/** Favorites out of an answer in either of its two forms. */
export function favoritesOf(body: unknown): AlmFavorite[] {
  const { Favorites, Favorite, entities } = body as {
    Favorites?: { Favorite?: WireFavorite | WireFavorite[] }
    Favorite?: WireFavorite | WireFavorite[]
    entities?: { Fields?: { Name: string; values?: { value?: string }[] | { value?: string } }[] }[]
  }
  if (entities !== undefined)
    return asArray(entities).map((entity) => {
      const text = (name: string) =>
        asArray(asArray(entity.Fields).find((field) => field.Name === name)?.values)[0]?.value ?? ''
      const xml = text('filter')
      const whole = /<Filter\b[^>]*\bEntity="([^"]*)"/.exec(xml)?.[1] ?? ''
      return {
        id: text('id'),
        name: text('name'),
        owner: text('owner'),
        public: text('is-public') === 'Y',
        entityType: whole,
        where: whereOfXml(xml),
      }
    })
  return [...asArray(Favorites?.Favorite), ...asArray(Favorite)].map((one) => ({
    id: String(one.id ?? ''),
    name: one.name ?? '',
    owner: one.owner ?? '',
    public: String(one['is-public']) === 'true' || one['is-public'] === 'Y',
    entityType: one.Filter?.Entity ?? '',
    where: one.Filter?.Where ?? null,
  }))
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/** The conditions of a filter that an entity's field holds as text, in the shape of the JSON form. */
function whereOfXml(xml: string): unknown {
  const inside = /<Where>([\s\S]*?)<\/Where>/.exec(xml)?.[1] ?? ''
  const where: Record<string, Record<string, string>[]> = {}
  for (const [, name = '', attributes = ''] of inside.matchAll(/<([\w.-]+)((?:\s+[\w.-]+="[^"]*")*)\s*\/?>/g)) {
    const found = [...attributes.matchAll(/([\w.-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
      key,
      value
        .replace(/&#(x?)([0-9a-f]+);/gi, (_whole, hex: string, digits: string) =>
          String.fromCodePoint(Number.parseInt(digits, hex === '' ? 10 : 16)),
        )
        .replace(/&(\w+);/g, (whole, word: string) => entities[word] ?? whole),
    ])
    where[name] = [...(where[name] ?? []), Object.fromEntries(found) as Record<string, string>]
  }
  return where
}

/**
 * The conditions of a favorite as clauses of a query: the value of each is the inside of a filter's bracket. `[CurrentUser]`
 * is the integration user. What we do not know is refused with words, never left out: the link would take up too much.
 */
export function clausesOfFavorite(favorite: AlmFavorite, me: string): AlmClause[] {
  const where = (favorite.where ?? {}) as Record<string, unknown>
  const unknown = Object.keys(where).filter((name) => name !== 'Field' && where[name] !== null)
  if (unknown.length > 0)
    throw refused(
      favorite,
      `holds ${unknown.join(', ')}, which Tandem cannot evaluate`,
      'a condition on another record',
    )
  return asArray(where.Field as Record<string, unknown> | readonly Record<string, unknown>[] | undefined).map(
    (field) => {
      const { Name, Value } = field
      const more = Object.keys(field).filter((key) => key !== 'Name' && key !== 'Value')
      if (typeof Name !== 'string' || typeof Value !== 'string' || !/^[\w-]+$/.test(Name) || more.length > 0)
        throw refused(
          favorite,
          `has a condition that Tandem cannot read${more.length > 0 ? ` (${more.join(', ')})` : ''}`,
          'it',
        )
      return { field: Name, expression: expressionOf(favorite, Name, Value, me) }
    },
  )
}

/** Passes the text on, with what stands in brackets replaced or refused. */
function expressionOf(favorite: AlmFavorite, field: string, text: string, me: string): string {
  let made = ''
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? ''
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, at + 1)
      if (end < 0) throw refused(favorite, `has an unfinished text for "${field}"`, 'it')
      made += text.slice(at, end + 1)
      at = end + 1
      continue
    }
    if (char === '[' || char === ']' || char === '{' || char === '}' || char === ';') {
      const word = /^\[([^\]]*)\]/.exec(text.slice(at))
      if (word?.[1]?.toLowerCase() !== 'currentuser')
        throw refused(
          favorite,
          `asks for "${word?.[0] ?? char}" in "${field}", which ALM's own client evaluates and Tandem does not`,
          'the value',
        )
      made += `"${me}"`
      at += word[0].length
      continue
    }
    made += char
    at++
  }
  if (made.trim() === '') throw refused(favorite, `has no value for "${field}"`, 'it')
  return made
}

function refused({ id, name }: AlmFavorite, what: string, which: string): ConnectorError {
  return new ConnectorError({
    class: 'schema',
    code: 'favorite-not-understood',
    message: `Favorite ${id} "${name}" ${what}.`,
    remedy: `Take ${which} out of the favorite, or build the filter in the link instead.`,
  })
}

export function favoriteGone(id: string, name: string): ConnectorError {
  return new ConnectorError({
    class: 'schema',
    code: 'favorite-gone',
    message: `${name} shows the integration user no favorite ${id}: it was deleted or made private.`,
    remedy: 'Make it public again, or choose another one in the scope of the link.',
  })
}
