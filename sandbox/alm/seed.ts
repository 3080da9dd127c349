import { people } from '../seed/people.ts'
import { createRandom } from '../seed/random.ts'
import { releases } from '../seed/releases.ts'
import { defectTitle, memoHtml } from '../seed/texts.ts'
import { seededComments } from './comments.ts'
import { almTypes } from './model.ts'
import { seedFavorites } from './seed-favorites.ts'
import type { AlmRecord, AlmStore, AlmUser, AlmWriter } from './store.ts'

/** The project's users; some have left, one has no address. */
export const almUsers: readonly AlmUser[] = people
  .filter((person) => person.in !== 'octane')
  .map((person) => ({
    name: person.login,
    fullName: person.fullName,
    email: person.email ?? '',
    active: person.active,
    groups: ['Developer'],
  }))
  .concat([
    { name: 'sync', fullName: 'Sync User', email: 'sync@example.com', active: true, groups: ['TDAdmin', 'Developer'] },
    { name: 'second', fullName: 'Second User', email: '', active: true, groups: ['QATester'] },
  ])

/** Releases with their cycles, and defects reproducible from a number. */
export function seedProject(store: AlmStore, options: { seed: number; defects: number }): void {
  const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
  const at = store.modifiedTime(Date.UTC(2025, 0, 2, 8))
  store.startIds('release', 1001)
  store.startIds('release-cycle', 1001)
  for (const { name: type, root, subtypes } of almTypes) {
    if (root === undefined) continue
    store.startIds(type, root.id + 1)
    const body = {
      name: root.name,
      'parent-id': root.parent,
      ...(subtypes === undefined ? {} : { 'type-id': '1', 'creation-time': '2025-01-02', 'req-time': '08:00:00' }),
    }
    store.create(type, body, writer, at, root.id)
  }
  for (const release of releases) {
    const created = store.create(
      'release',
      { name: release.name, 'start-date': release.start, 'end-date': release.end, 'parent-id': '1' },
      writer,
      at,
    )
    for (const cycle of release.cycles)
      store.create(
        'release-cycle',
        { name: cycle, 'start-date': release.start, 'end-date': release.end, 'parent-id': created.id ?? null },
        writer,
        at,
      )
  }
  seedFavorites(store)
  seedDefects(store, options.seed, options.defects)
}

/**
 * More defects, reproducible from a number: several scripts, HTML memos, empty values, people who left. Each has as many
 * comments as are asked for; where it is left to chance, the switch tells whether there are any.
 */
export function seedDefects(store: AlmStore, seed: number, count: number, comments?: number): AlmRecord[] {
  const seeded: AlmRecord[] = []
  const random = createRandom(seed)
  const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
  const logins = store.users.filter((user) => user.name !== 'second').map((user) => user.name)
  const all = [...store.rows('release').values()]
  const cycles = [...store.rows('release-cycle').values()]
  const item = (name: string) => random.pick(store.lists.values(name))
  const start = Date.UTC(2025, 0, 6)
  // Of their own, so that all other values stay the same whether there are comments or not.
  const talk = createRandom(seed + 1)
  for (let number = 1; number <= count; number++) {
    const created = start + random.between(0, 600 * 24 * 3_600) * 1_000
    const release = random.chance(0.6) ? random.pick(all) : null
    const own = release === null ? [] : cycles.filter((cycle) => cycle['parent-id'] === release.id)
    const status = random.chance(0.02) ? null : item('Bug Status')
    const defect = store.create(
      'defect',
      {
        name: defectTitle(random, number),
        description: memoHtml(random),
        'dev-comments': seededComments(store, talk, created, comments),
        status,
        severity: item('Severity'),
        priority: random.chance(0.2) ? null : item('Priority'),
        owner: random.chance(0.15) ? null : random.pick(logins),
        'detected-by': random.pick(logins),
        'creation-time': store.localTime(created).slice(0, 10),
        'closing-date': status === 'Closed' ? store.localTime(created + 30 * 86_400_000).slice(0, 10) : null,
        reproducible: random.chance(0.5) ? 'Y' : null,
        'target-rel': release?.id ?? null,
        'target-rcyc': own.length > 0 && random.chance(0.5) ? (random.pick(own).id ?? null) : null,
        'estimated-fix-time': random.chance(0.4) ? String(random.between(1, 13)) : null,
        'user-03': random.chance(0.3) ? item('Customer impact') : null,
        'user-04': random.chance(0.3) ? [item('Browsers'), item('Browsers')] : null,
        'user-05': random.chance(0.2) ? memoHtml(random) : null,
      },
      writer,
      store.modifiedTime(created + random.between(0, 90 * 86_400) * 1_000),
    )
    seeded.push(defect)
  }
  return seeded
}
