import type { Contents } from '../common/contents.ts'
import { createRandom, type Random } from '../seed/random.ts'
import { commentTexts, defectTitle, memoHtml } from '../seed/texts.ts'
import { seedDefects } from './seed.ts'
import type { Entity, OctaneStore, Reference, WriteContext } from './store.ts'

/** How much of what a large workspace has; every number is a whole one, and 0 where it is left out. */
export interface WorldCounts {
  seed: number
  epics: number
  features: number
  stories: number
  qualityStories: number
  defects: number
  tasks: number
  requirements: number
  manualTests: number
  /** Comments on each story, quality story and defect that is made here. */
  commentsEach: number
  /** Attachments of each story, quality story and defect that is made here. */
  attachmentsEach: number
  /** Size of each attachment, in bytes; the content takes no memory. */
  attachmentBytes: number
}

/** Fills the workspace with a whole backlog, reproducible from a number; nothing of it is in the truth log or the history. */
export function seedWorld(store: OctaneStore, contents: Contents, counts: WorldCounts): Record<string, number> {
  const random = createRandom(counts.seed + 31)
  const made: Record<string, number> = {}
  const at = { at: '2025-02-03T08:00:00Z' }
  const humans = [...store.rows('workspace_user').values()].filter((user) => user.is_api_key === false)
  const by = (): WriteContext => ({ actor: 'seed', actorId: random.pick(humans).id, via: 'seed' })
  const put = (type: string, body: Record<string, unknown>): Entity => {
    made[type] = (made[type] ?? 0) + 1
    return store.create(type, body, by(), at)
  }
  const many = (count: number, make: (number: number) => Entity) =>
    Array.from({ length: count }, (_, index) => make(index + 1))
  const reference = ({ type, id }: Entity): Reference => ({ type, id })
  const below = (parents: readonly Entity[]) =>
    parents.length === 0 ? {} : { parent: reference(random.pick(parents)) }
  const described = (number: number) => ({ name: defectTitle(random, number).trim(), description: memoHtml(random) })

  const epics = many(counts.epics, (number) => put('epic', described(number)))
  const features = many(counts.features, (number) => put('feature', { ...described(number), ...below(epics) }))
  const kind = (type: string, count: number) =>
    many(count, (number) => put(type, { ...described(number), ...below(features), story_points: points(random) }))
  const stories = kind('story', counts.stories)
  const qualityStories = kind('quality_story', counts.qualityStories)
  const before = new Set(store.rows('defect').keys())
  seedDefects(store, counts.seed, counts.defects)
  const defects = [...store.rows('defect').values()].filter((one) => !before.has(one.id))
  if (defects.length > 0) made.defect = defects.length
  const items = [...stories, ...qualityStories, ...defects]
  if (items.length > 0)
    many(counts.tasks, (number) => put('task', { ...described(number), story: reference(random.pick(items)) }))
  const folders = many(Math.ceil(counts.requirements / 20), (number) =>
    put('requirement_folder', { name: `Chapter ${number}` }),
  )
  many(counts.requirements, (number) => put('requirement_document', { ...described(number), ...below(folders) }))
  many(counts.manualTests, (number) => put('test_manual', described(number)))
  // One content for all, so that its hash is taken once.
  const content = counts.attachmentsEach === 0 ? null : contents.generated(counts.seed, counts.attachmentBytes)
  for (const item of items) {
    const owner = { owner_work_item: reference(item) }
    many(counts.commentsEach, () => put('comment', { text: random.pick(commentTexts), ...owner }))
    if (content === null) continue
    for (let number = 1; number <= counts.attachmentsEach; number++) {
      made.attachment = (made.attachment ?? 0) + 1
      store.create('attachment', { name: `file ${number}.log`, ...owner }, by(), { ...at, extra: { content } })
    }
  }
  return made
}

function points(random: Random): number | null {
  return random.chance(0.5) ? random.between(1, 13) : null
}
