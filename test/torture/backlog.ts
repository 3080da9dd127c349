import { setTimeout as pause } from 'node:timers/promises'
import type { FaultKind } from '../../sandbox/common/faults.ts'
import type { TestDatabase } from '../database.ts'
import { createLab, type Lab, type Shell } from '../lab.ts'
import { furtherCycle, timePasses, untilQuiet, work } from './cycle.ts'
import { evidenceOf } from './evidence.ts'
import { followHistory } from './history.ts'
import { type BacklogType, backlogTypes, type Item, itemsOf, judgeBacklog } from './judge-backlog.ts'
import { almComments, tokenOf } from './judge-comments.ts'
import { type Chance, createChance } from './random.ts'
import type { TortureReport } from './torture.ts'
import { createVerdict } from './verdict.ts'

export interface BacklogTortureOptions {
  seed: number
  cycles: number
  faults: readonly FaultKind[]
  deaths: boolean
  /** Whether a file or comment that is taken away on one side is taken away on the other; drawn from the seed when left out. */
  deleteParts?: boolean
  /** A deliberate defect in every worker, which the judge must find. */
  plant?: Shell
  createDatabase?: () => Promise<TestDatabase>
}

/** A link of epics, features and stories with their files and comments. */
export function createBacklogLab(
  seed: number,
  deleteParts: boolean,
  createDatabase?: () => Promise<TestDatabase>,
): Promise<Lab> {
  return createLab({
    kind: 'backlog',
    types: [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
      { octane: 'story', alm: ['User Story', 'Performance'] },
    ],
    ...(createDatabase === undefined ? {} : { createDatabase }),
    alm: { defects: 0, seed },
    octane: { defects: 0, seed },
    link: (same) => ({
      ...same,
      attachments: { ...same.attachments, delete: deleteParts ? 'delete' : 'nothing' },
      comments: { deletes: deleteParts ? 'all' : 'nothing' },
      brake: { changes: { count: 500, share: 0.2 }, deletions: { count: 100, share: 0 } },
    }),
  })
}

const typeAbove = { epic: null, feature: 'epic', story: 'feature' } as const
const mostRemovals = 3

/** People who build, move and delete parts of a tree, files and comments, at both systems. */
export function createBacklogEditors(lab: Lab, chance: Chance, extent: 'changes' | 'all' = 'all') {
  let counter = 0
  let removals = 0
  const held = new Set<string>()
  const systems = ['alm', 'octane'] as const
  const some = (system: 'alm' | 'octane', type: BacklogType) =>
    [...itemsOf(lab, system).values()].filter((item) => item.type === type)
  const anyOf = <T>(all: readonly T[]): T | undefined => (all.length === 0 ? undefined : chance.pick(all))
  const anyItem = (system: 'alm' | 'octane') => anyOf([...itemsOf(lab, system).values()])

  function create(system: 'alm' | 'octane', type: BacklogType): void {
    const above = typeAbove[type]
    const parent = above === null ? null : anyOf(some(system, above))
    if (parent === undefined) return
    const name = `${type} ${++counter} of ${system}`
    if (system === 'octane')
      lab.octane.create(type, {
        name,
        ...(parent === null ? {} : { parent: { type: parent.type, id: parent.id } }),
      })
    else
      lab.alm.create('requirement', {
        name,
        'type-id': chance.pick(backlogTypes[type]),
        'parent-id': parent?.id ?? '0',
      })
  }

  function rename(system: 'alm' | 'octane'): void {
    const item = anyItem(system)
    if (item === undefined) return
    const name = `${item.type} renamed ${++counter}`
    if (system === 'octane') lab.octane.edit(item.type, item.id, { name })
    else lab.alm.edit('requirement', item.id, { name })
  }

  function move(system: 'alm' | 'octane'): void {
    const type = chance.pick(['feature', 'story'] as const)
    const item = anyOf(some(system, type))
    const parent = anyOf(some(system, typeAbove[type]))
    if (item === undefined || parent === undefined) return
    if (system === 'octane') lab.octane.edit(type, item.id, { parent: { type: parent.type, id: parent.id } })
    else lab.alm.edit('requirement', item.id, { 'parent-id': parent.id })
  }

  function attach(system: 'alm' | 'octane'): void {
    const item = anyItem(system)
    if (item === undefined) return
    const [name, size] = [`file-${++counter}.txt`, chance.pick([0, 700, 90_000])]
    if (system === 'octane')
      lab.octane.attach({ type: item.type, id: item.id }, name, lab.octane.contents.generated(counter, size))
    else
      lab.alm.attach('requirement', item.id, { name, content: lab.alm.attachments.contents.generated(counter, size) })
  }

  /** A file of a backlog item, as ALM has it. */
  function almFile(): { item: Item; file: Record<string, unknown> } | undefined {
    const model = lab.alm.store.model('requirement')
    return anyOf(
      [...itemsOf(lab, 'alm').values()].flatMap((item) =>
        lab.alm.attachments.of(model, item.id).map((file) => ({ item, file })),
      ),
    )
  }

  /** Octane changes no bytes of a file. */
  function replaceFile(): void {
    const found = almFile()
    if (found === undefined) return
    // ALM tells times by the second: of a replaced file of the same size nobody can see it within the same one.
    const content = lab.alm.attachments.contents.generated(++counter, 800 + counter)
    lab.alm.attach('requirement', found.item.id, { name: String(found.file.name), content, override: true })
  }

  function renameFile(system: 'alm' | 'octane'): void {
    const name = `file-${++counter}.txt`
    const file = system === 'octane' ? anyOf(lab.octane.records('attachment')) : almFile()?.file
    if (file !== undefined) lab[system].edit('attachment', String(file.id), { name })
  }

  function removeFile(system: 'alm' | 'octane'): void {
    const file = system === 'octane' ? anyOf(lab.octane.records('attachment')) : almFile()?.file
    if (file !== undefined) lab[system].remove('attachment', String(file.id))
  }

  /** Some as nobody would type them: in several lines, like the head of another comment, or like a copy of Tandem's. */
  function wordsOf(one: string, system: 'alm' | 'octane'): string {
    const banner = 'Ann Lee wrote on 2026-01-02 (from ALM DEFAULT/Sync, ref 0123456789abcdef)'
    const dice = chance.next()
    if (dice < 0.5) return `${one} <b>seen</b> by ${system}`
    if (dice < 0.65) return `<p>${one} in two</p><p>lines of ${system}</p>`
    if (dice < 0.75) return `${one} quotes<br>${'_'.repeat(40)}<br>Ann Lee &lt;ann&gt;, 02/01/2026: said so`
    if (dice < 0.85) return `${one} quotes<br>${banner}<br>and means it`
    if (dice < 0.95 || system === 'alm') return `${one} &lt;ann&gt;, twice &amp; "so"`
    return `<p><b>${banner}</b></p><p>${one.replace('c', 'q')} begins like a copy</p>`
  }

  /** Somebody keeps a requirement open, so that nobody else may save it, while others speak about it in Octane. */
  function hold(): void {
    const item = anyOf([...itemsOf(lab, 'alm').values()].filter(({ twin }) => twin !== null))
    if (item === undefined) return
    const fields = { name: `${item.type} held ${++counter}` }
    lab.alm.edit('requirement', item.id, fields, { actor: 'bob', holdLockMs: 600_000 })
    held.add(item.id)
    say('octane', itemsOf(lab, 'octane').get(item.twin ?? ''))
  }

  /** Whoever keeps a requirement open has done with it. */
  function letGo(): void {
    for (const id of held) lab.alm.store.unlock('requirement', id, { user: 'bob', session: null, via: 'control' })
    held.clear()
  }

  function say(system: 'alm' | 'octane', item = anyItem(system)): void {
    if (item === undefined) return
    const text = wordsOf(`c${++counter}w`, system)
    // Now and then people say the same twice.
    for (let times = chance.yes(0.15) ? 2 : 1; times > 0; times--)
      if (system === 'alm') lab.alm.comment('requirement', item.id, text, { actor: chance.pick(['ann', 'bob']) })
      else lab.octane.create('comment', { text, owner_work_item: { type: item.type, id: item.id } })
  }

  /** ALM's memo as a person edits it by hand: words added to a comment, a comment taken out, or a line put before all. */
  function editMemo(what: 'edit' | 'remove' | 'type'): void {
    const commented = [...itemsOf(lab, 'alm').values()].filter(({ id }) => almComments(lab, id).length > 0)
    const item = anyOf(commented)
    if (item === undefined) return
    const memo = String(lab.alm.store.get('requirement', item.id).comments)
    const one = anyOf(almComments(lab, item.id).flatMap(({ text }) => tokenOf(text) ?? []))
    if (what === 'type')
      return void lab.alm.edit('requirement', item.id, {
        comments: memo.replace('<body>', `<body>c${++counter}w typed<br>`),
      })
    if (one === undefined) return
    const words = what === 'edit' ? `${one} e${++counter}` : ''
    lab.alm.edit('requirement', item.id, { comments: memo.replace(new RegExp(`${one}[^<]*`), words) })
  }

  function editComment(): void {
    const comment = anyOf(lab.octane.records('comment'))
    const one = tokenOf(String(comment?.text ?? ''))
    if (comment === undefined || one === null) return
    lab.octane.edit('comment', comment.id, { text: String(comment.text).replace(one, `${one} e${++counter}`) })
  }

  function removeComment(): void {
    const comment = anyOf(lab.octane.records('comment'))
    if (comment !== undefined) lab.octane.remove('comment', comment.id)
  }

  function remove(system: 'alm' | 'octane'): void {
    const item = anyOf(some(system, 'story'))
    if (item === undefined || removals >= mostRemovals) return
    removals++
    if (system === 'octane') lab.octane.remove('story', item.id)
    else lab.alm.remove('requirement', item.id)
  }

  /** A requirement becomes one of another type: mapped to the same one, or to another. */
  function changeType(): void {
    const item = anyOf(some('alm', 'story'))
    if (item !== undefined) lab.alm.edit('requirement', item.id, { 'type-id': chance.pick(['6', '101', '3']) })
  }

  /** What a lock or a rule refuses did not happen. */
  function act(): void {
    const system = chance.pick(systems)
    const dice = chance.next()
    try {
      if (dice < 0.06) create(system, 'epic')
      else if (dice < 0.16) create(system, 'feature')
      else if (dice < 0.26) create(system, 'story')
      else if (dice < 0.36) rename(system)
      else if (dice < 0.48) move(system)
      else if (dice < 0.6) attach(system)
      else if (dice < 0.63) replaceFile()
      else if (dice < 0.67) renameFile(system)
      else if (dice < 0.7) removeFile(system)
      else if (dice < 0.79) say(system)
      else if (dice < 0.84) hold()
      else if (dice < 0.92) system === 'alm' ? editMemo('edit') : editComment()
      else if (dice < 0.93) editMemo('type')
      else if (dice < 0.95) system === 'alm' ? editMemo('remove') : removeComment()
      // Only complete listings tell that a record is gone.
      else if (extent === 'changes') say(system)
      else if (dice < 0.98) remove(system)
      else changeType()
    } catch {
      // Told so, and nothing was saved.
    }
  }

  function plant(): void {
    for (const system of systems)
      for (const type of ['epic', 'feature', 'feature', 'story', 'story', 'story'] as const) create(system, type)
    for (const system of systems) {
      attach(system)
      say(system)
    }
  }

  /** Something of every kind, so that a worker has every kind of call to make. */
  function actOfEachKind(): void {
    for (const system of systems) {
      create(system, 'story')
      rename(system)
      move(system)
      attach(system)
      renameFile(system)
      removeFile(system)
      say(system)
    }
    editMemo('edit')
    editComment()
    removeComment()
    for (let index = 0; index < 3; index++) replaceFile()
  }

  return { act, actOfEachKind, letGo, plant }
}

/** What still waits although no issue tells a person why. */
async function waitingUntold({ database }: Lab): Promise<string[]> {
  const rows = await database.sql<{ row: string }[]>`
    select p.side || ' ' || p.external_id || ' waits for ' || coalesce(p.class, p.reason) || ', attempt ' || p.attempts as row
    from pending p where not exists (
      select 1 from issues i where i.resolved_at is null and p.external_id = case p.side when 'left' then i.left_id else i.right_id end)`
  return rows.map(({ row }) => row)
}

/** One world of a backlog from its first records to rest, judged by I1, I2, I3, I4, I5, I7 and I10. */
export async function tortureBacklog(
  options: BacklogTortureOptions,
): Promise<
  Pick<TortureReport, 'seed' | 'edits' | 'deaths' | 'faults' | 'writes' | 'cases' | 'violations' | 'evidence'>
> {
  const chance = createChance(options.seed)
  const drawn = chance.yes(0.5)
  const lab = await createBacklogLab(options.seed, options.deleteParts ?? drawn, options.createDatabase)
  const { plant } = options
  try {
    const history = followHistory(lab)
    // Some worlds have only scans for changes, which must notice everything but the deletion of a record.
    const extent = chance.yes(0.4) ? 'changes' : 'all'
    const editors = createBacklogEditors(lab, chance, extent)
    editors.plant()
    let [edits, deaths, faults] = [0, 0, 0]
    for (let cycle = 0; cycle < options.cycles; cycle++) {
      for (let index = chance.below(6) + 1; index > 0; index--, edits++) editors.act()
      if (options.faults.length > 0)
        for (let index = chance.below(3); index > 0; index--, faults++)
          (chance.yes(0.5) ? lab.alm : lab.octane).faults.add({
            match: {
              path: chance.pick(['/attachments', '/comments', '/(requirements|epics|features|stories|work_items)']),
              method: chance.pick(['POST', 'PUT', 'GET']),
            },
            kind: chance.pick(options.faults),
            skip: chance.below(4),
            times: chance.below(2) + 1,
            delayMs: 40,
            retryAfter: 0,
          })
      const death =
        options.deaths && chance.yes(0.6)
          ? { call: chance.below(40) + 1, when: chance.yes(0.5) ? ('before' as const) : ('after' as const) }
          : null
      let working = true
      const most = chance.below(10)
      const [worker] = await Promise.all([
        work(lab, history, { death, parallel: chance.yes(0.3) ? 2 : 1, plant, extent }).finally(() => {
          working = false
        }),
        (async () => {
          for (let index = 0; index < most && working; index++, edits++) {
            await pause(chance.below(30))
            editors.act()
          }
        })(),
      ])
      if (worker.isDead()) deaths++
      if (chance.yes(0.5)) editors.letGo()
      if (chance.yes(0.5)) await timePasses(lab, history)
    }
    for (const system of [lab.alm, lab.octane]) system.faults.clear()
    editors.letGo()
    const verdict = createVerdict()
    if (!(await untilQuiet(lab, history, { plant, extent })))
      for (const row of await waitingUntold(lab)) verdict.broken('I5', `the world did not come to rest: ${row}`)
    await judgeBacklog(lab, history, verdict)
    await furtherCycle(lab, history, verdict, { plant, extent })
    return {
      seed: options.seed,
      edits,
      deaths,
      faults,
      writes: history.entries().filter((entry) => entry.via === 'rest').length,
      cases: verdict.cases,
      violations: verdict.violations,
      ...(verdict.violations.length > 0 ? { evidence: await evidenceOf(lab, history) } : {}),
    }
  } finally {
    await lab.close()
  }
}
