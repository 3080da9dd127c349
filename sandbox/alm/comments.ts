import type { Random } from '../seed/random.ts'
import { commentTexts } from '../seed/texts.ts'
import type { AlmStore, AlmUser } from './store.ts'

/** Comments in one memo, up to three unless told how many, each below the banner that ALM's own clients put there. */
export function seededComments(store: AlmStore, random: Random, created: number, count?: number): string | null {
  const kind = bannerKind(store)
  if (count === undefined && store.switches.commentBanner === 'none') return null
  const comments = Array.from({ length: count ?? random.between(0, 3) }, (_, place) => {
    const user = random.pick(store.users)
    const at = new Date(created + (place + 1) * random.between(1, 9) * 86_400_000)
    return `${banner(kind, user, at, place === 0)}<br>${random.pick(commentTexts)}`
  })
  return comments.length === 0 ? null : comments.join('<br>')
}

function banner(kind: string, user: Pick<AlmUser, 'name' | 'fullName'>, at: Date, first: boolean): string {
  if (kind === 'login')
    return `<b>${user.fullName} &lt;${user.name}&gt;, ${dayOf('en-GB', at, { month: '2-digit' })}:</b>`
  const day = dayOf('en-US', at, { month: 'short', weekday: 'short' }).replace(/,/g, '')
  return `${first ? '' : `<b>${'_'.repeat(40)}</b><br>`}<strong>  ${user.fullName} , ${day}:</strong>`
}

function dayOf(locale: string, at: Date, how: Intl.DateTimeFormatOptions): string {
  return at.toLocaleDateString(locale, { timeZone: 'UTC', day: '2-digit', year: 'numeric', ...how })
}

/** A comment of a person behind those there are, as the desktop client writes it: the time is the server's. */
export function withComment(store: AlmStore, before: string | null, text: string, login: string): string {
  const kind = bannerKind(store)
  const user = store.users.find((one) => one.name === login) ?? { name: login, fullName: login }
  const at = new Date(`${store.localTime().replace(' ', 'T')}Z`)
  const inner = (before ?? '').replace(/^<html><body>\n?|\n?<\/body><\/html>$/g, '')
  const comment = `${banner(kind, user, at, inner === '')}<br>${text}`
  return inner === '' ? comment : `${inner}<br>${comment}`
}

/** Where seeded records have no comments, people write them as new clients do. */
function bannerKind(store: AlmStore): string {
  return store.switches.commentBanner === 'none' ? 'login' : store.switches.commentBanner
}
