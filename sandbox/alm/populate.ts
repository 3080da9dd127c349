import { createRandom } from '../seed/random.ts'
import { defectTitle, memoHtml } from '../seed/texts.ts'
import type { AlmAttachments } from './attachments.ts'
import { seededComments } from './comments.ts'
import { seedDefects } from './seed.ts'
import type { AlmRecord, AlmStore, AlmWriter } from './store.ts'

/** How large a world is to be; what is not given is not made. */
export interface Population {
  /** The same number makes the same world. */
  seed: number
  defects?: number
  requirements?: number
  /** Requirements below each other one, level by level. */
  children?: number
  /** Comments in each record. */
  comments?: number
  /** Files at each record. */
  attachments?: number
  /** Size of each file in bytes. */
  attachmentBytes?: number
  /** How many different files there are. */
  differentFiles?: number
}

const leafTypes = ['0', '3', '4', '5', '6', '101']
const start = Date.UTC(2025, 0, 6)

/** Fills a project, reproducible from a number. Nothing of it is in the truth log: it was there before. */
export function populate(store: AlmStore, attachments: AlmAttachments, wanted: Population): Record<string, number> {
  const defects = seedDefects(store, wanted.seed, wanted.defects ?? 0, wanted.comments)
  const requirements = seedRequirements(store, wanted)
  const files = [
    ...defects.map((record) => ['defect', String(record.id)] as const),
    ...requirements.map((record) => ['requirement', String(record.id)] as const),
  ].flatMap((owner) => Array.from({ length: wanted.attachments ?? 0 }, (_, place) => ({ owner, place })))
  const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
  const at = store.modifiedTime(start)
  for (const [index, { owner, place }] of files.entries()) {
    const [type, id] = owner
    const content = attachments.contents.generated(
      wanted.seed * 1_000 + (index % (wanted.differentFiles ?? 10)),
      wanted.attachmentBytes ?? 1_024,
    )
    attachments.add(store.model(type), id, { name: `file-${place + 1}.bin`, content }, writer, at)
  }
  return { defects: defects.length, requirements: requirements.length, attachments: files.length }
}

/** A tree in which each requirement that is not at its bottom is a folder. */
function seedRequirements(
  store: AlmStore,
  { seed, requirements = 0, children = 20, comments }: Population,
): AlmRecord[] {
  const random = createRandom(seed + 7)
  const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
  const releases = [...store.rows('release').values()]
  const logins = store.users.map((user) => user.name)
  const made: AlmRecord[] = []
  for (let number = 0; number < requirements; number++) {
    const created = start + random.between(0, 600 * 24 * 3_600) * 1_000
    const isFolder = (number + 1) * children < requirements + children && number * children + children <= requirements
    const above = number < children ? undefined : made[Math.floor(number / children) - 1]
    made.push(
      store.create(
        'requirement',
        {
          name: defectTitle(random, number + 1).trim(),
          'parent-id': String(above?.id ?? '0'),
          'type-id': isFolder ? '1' : random.pick(leafTypes),
          description: memoHtml(random),
          comments: comments === undefined ? null : seededComments(store, random, created, comments),
          owner: random.pick(logins),
          'req-priority': random.chance(0.3) ? null : random.pick(store.lists.values('Priority')),
          'target-rel': random.chance(0.3) ? [String(random.pick(releases).id)] : null,
          'creation-time': store.localTime(created).slice(0, 10),
          'req-time': store.localTime(created).slice(11),
        },
        writer,
        store.modifiedTime(created + random.between(0, 90 * 86_400) * 1_000),
      ),
    )
  }
  return made
}
