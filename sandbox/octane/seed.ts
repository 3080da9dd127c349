import { people } from '../seed/people.ts'
import { createRandom } from '../seed/random.ts'
import { releases } from '../seed/releases.ts'
import { defectTitle, memoHtml } from '../seed/texts.ts'
import type { OctaneStore, Reference, WriteContext } from './store.ts'
import { lists, phases, transitions } from './workflow.ts'

/** Fills the workspace: lists, phases, people, releases, and so many defects from the number. */
export function seedWorkspace(store: OctaneStore, options: { seed: number; defects: number }): void {
  const context: WriteContext = { actor: 'seed', actorId: '1001', via: 'seed' }
  const at = '2025-01-02T08:00:00Z'
  const put = (type: string, body: Record<string, unknown>) => store.create(type, body, context, { at })
  // Newer servers know lists and phases by their logical names, older ones by numbers.
  const own = (logical: string) =>
    store.switches.listIds === 'numeric' ? { logical_name: logical } : { id: logical, logical_name: logical }
  for (const [list, items] of Object.entries(lists)) {
    put('list_node', { ...own(list), name: list.replace('list_node.', '') })
    const labels =
      list === 'list_node.severity' && store.switches.severityLabels === 'customised'
        ? ['Trivial', 'Minor', 'Major', 'Critical', 'Blocker']
        : items
    labels.forEach((name, index) => {
      const logical = `${list}.${name.toLowerCase().replace(/\s+/g, '_')}`
      put('list_node', {
        ...own(logical),
        name,
        index,
        list_root: { type: 'list_node', id: list },
      })
    })
  }
  for (const meta of ['new', 'inprogress', 'done'])
    put('metaphase', {
      ...own(`metaphase.work_item.${meta}`),
      name: meta,
      entity: 'work_item',
    })
  for (const [type, rows] of Object.entries(phases)) {
    rows.forEach(([name, logical, meta], index) => {
      const id = `phase.${type}.${logical}`
      put('phase', {
        ...own(id),
        name,
        entity: type,
        index,
        is_start_phase: index === 0,
        is_hidden: false,
        is_system: true,
        color_hex: '#00a982',
        metaphase: { type: 'metaphase', id: `metaphase.work_item.${meta}` },
      })
    })
    for (const [from, to] of transitions[type] ?? [])
      put('transition', {
        entity: type,
        is_primary: true,
        source_phase: { type: 'phase', id: `phase.${type}.${from}` },
        target_phase: { type: 'phase', id: `phase.${type}.${to}` },
      })
  }
  const roleIds = ['Workspace admin', 'Team member', 'Viewer', 'Integration'].map(
    (name) => put('workspace_role', { name }).id,
  )
  put('workspace_user', {
    id: '1001',
    name: 'sync_api_key',
    full_name: 'Synchronization key',
    email: null,
    activity_level: 0,
    is_api_key: true,
    roles: [{ type: 'workspace_role', id: roleIds[3] ?? '' }],
  })
  let userId = 1002
  for (const person of people) {
    if (person.in === 'alm') continue
    const [first = '', ...last] = person.fullName.split(' ')
    put('workspace_user', {
      id: String(userId++),
      name: person.email ?? person.login,
      full_name: person.fullName,
      first_name: first,
      last_name: last.join(' '),
      email: person.email,
      activity_level: person.active ? 0 : 1,
      is_api_key: false,
    })
  }
  put('workspace_user', {
    id: String(userId),
    name: 'sync@example.com',
    full_name: 'Sync User',
    email: 'sync@example.com',
    activity_level: 0,
    is_api_key: false,
  })
  put('product_area', { id: '1001', name: 'Application modules', parent: null })
  put('work_item_root', { id: '1001', name: 'Backlog', phase: null })
  put('requirement_root', { id: '1001', name: 'Requirements' })
  for (const team of ['Team Blue', 'Team Green']) put('team', { name: team })
  put('milestone', { name: 'General availability', date: '2026-12-18T12:00:00Z' })
  const noon = (date: string) => `${date}T12:00:00Z`
  for (const release of [
    ...releases,
    { name: 'Octane only 9.9', start: '2026-07-01', end: '2026-12-31', cycles: [] as string[] },
  ]) {
    const created = put('release', {
      name: release.name,
      start_date: noon(release.start),
      end_date: noon(release.end),
      is_default: release.name === 'Release 2.0',
    })
    for (const cycle of release.cycles)
      put('sprint', {
        name: cycle,
        release: { type: 'release', id: created.id },
        start_date: noon(release.start),
        end_date: noon(release.end),
      })
  }
  // Numbers of defects begin round, so that demonstrations read well and ids sort as text.
  store.startIds(2001)
  seedDefects(store, options.seed, options.defects)
}

export function seedDefects(store: OctaneStore, seed: number, count: number): void {
  const random = createRandom(seed + 7)
  const humans = [...store.rows('workspace_user').values()].filter((user) => user.is_api_key === false)
  const all = [...store.rows('release').values()].filter((release) => !String(release.name).includes('only'))
  const sprints = [...store.rows('sprint').values()]
  const person = () => (random.chance(0.15) ? null : { type: 'workspace_user', id: random.pick(humans).id })
  const item = (list: string) => ({
    type: 'list_node',
    id: `${list}.${random
      .pick(lists[list] ?? ['x'])
      .toLowerCase()
      .replace(/\s+/g, '_')}`,
  })
  for (let number = 1; number <= count; number++) {
    const release = random.chance(0.6) ? random.pick(all) : null
    const own = release === null ? [] : sprints.filter((sprint) => (sprint.release as Reference).id === release.id)
    const phase = random.pick((phases.defect ?? []).map(([, logical]) => logical))
    const created = new Date(Date.UTC(2025, 0, 6) + random.between(0, 500 * 24 * 3_600) * 1_000)
      .toISOString()
      .slice(0, 19)
    store.create(
      'defect',
      {
        name: defectTitle(random, number).trim(),
        description: memoHtml(random),
        phase: { type: 'phase', id: `phase.defect.${phase}` },
        severity:
          store.switches.severityLabels === 'customised'
            ? { type: 'list_node', id: 'list_node.severity.major' }
            : item('list_node.severity'),
        priority: random.chance(0.2) ? null : item('list_node.priority'),
        owner: person(),
        detected_by: person(),
        release: release === null ? null : { type: 'release', id: release.id },
        sprint: own.length > 0 && random.chance(0.5) ? { type: 'sprint', id: random.pick(own).id } : null,
        story_points: random.chance(0.5) ? random.between(1, 13) : null,
        customer_impact_udf: random.chance(0.4) ? item('list_node.customer_impact') : null,
        browsers_udf: random.chance(0.3) ? [item('list_node.browsers'), item('list_node.browsers')] : [],
      },
      { actor: 'seed', actorId: '1001', via: 'seed' },
      { at: `${created}Z` },
    )
  }
}
