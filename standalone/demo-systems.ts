import { type ManagedChild, startChild } from './children.ts'

/** Both sandboxes, acted on behind Tandem's back: as the people who work in them, and as an independent witness. */
export interface DemoSystems {
  alm: { url: string; domain: string; project: string; user: string; password: string }
  octane: { url: string; sharedSpace: string; workspace: string; clientId: string; clientSecret: string }
  control: string
  edit(system: 'alm' | 'octane', id: string, fields: Record<string, unknown>): Promise<void>
  records(system: 'alm' | 'octane'): Promise<Record<string, unknown>[]>
  record(system: 'alm' | 'octane', id: string): Promise<Record<string, unknown> | undefined>
  stop(): Promise<void>
}

/** What the sandbox program says of itself when it is ready: where both systems are, and how to get in. */
export interface SandboxPlace {
  alm: { url: string; domain: string; project: string; credentials: { user: { user: string; password: string } } }
  octane: {
    url: string
    sharedSpace: string
    workspace: string
    credentials: { apiKey: { clientId: string; clientSecret: string } }
  }
  control: string
}

/** Starts the sandboxes in a process of their own. They keep records in memory, so each start is another project. */
export async function startDemoSystems(options: {
  defects: number
  octaneDefects: number
  project: string
  workspace: number
  logFolder: string
  say(line: string): void
}): Promise<DemoSystems> {
  const child: ManagedChild = await startChild({
    name: 'sandbox',
    entry: 'sandbox/main.ts',
    args: [
      '--json',
      ...['--defects', String(options.defects), '--octane-defects', String(options.octaneDefects)],
      ...['--project', options.project, '--workspace', String(options.workspace)],
    ],
    env: {},
    logFolder: options.logFolder,
    say: options.say,
  })
  const { alm, octane, control } = child.ready() as unknown as SandboxPlace

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${control}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`The sandbox refused ${path}: ${text}`)
    return JSON.parse(text) as T
  }

  return {
    alm: { url: alm.url, domain: alm.domain, project: alm.project, ...alm.credentials.user },
    octane: {
      url: octane.url,
      sharedSpace: octane.sharedSpace,
      workspace: octane.workspace,
      ...octane.credentials.apiKey,
    },
    control,
    edit: async (system, id, fields) => {
      await call('POST', '/edit', { system, id, fields })
    },
    records: (system) => call('GET', `/records?system=${system}`),
    record: async (system, id) =>
      (await call<Record<string, unknown>[]>('GET', `/records?system=${system}&id=${id}`))[0],
    stop: child.stop,
  }
}

/** Differences between both systems, read from their own records and compared by what a person would call the same. */
export interface Comparison {
  pairs: number
  /** Records without a twin on the other side. */
  alone: string[]
  /** Records that two others claim as their twin. */
  doubled: string[]
  differences: { alm: string; octane: string; field: string; almValue: string; octaneValue: string }[]
}

const statusOfPhase: Record<string, readonly string[]> = {
  new: ['New'],
  opened: ['Open', 'Reopen'],
  fixed: ['Fixed'],
  closed: ['Closed'],
  rejected: ['Rejected'],
  proposedclosed: ['Rejected'],
  duplicate: ['Rejected'],
  deferred: ['New'],
}

/** Knows nothing of Tandem's tables or code: only both systems' records and the references that they carry. */
export async function compareSystems(systems: DemoSystems): Promise<Comparison> {
  const [alm, octane] = await Promise.all([systems.records('alm'), systems.records('octane')])
  const prefix = `${systems.alm.domain}/${systems.alm.project}/defect/`
  const byAlm = new Map<string, Record<string, unknown>[]>()
  for (const record of octane) {
    const reference = String(record.alm_id_udf ?? '')
    if (!reference.startsWith(prefix)) continue
    const id = reference.slice(prefix.length)
    byAlm.set(id, [...(byAlm.get(id) ?? []), record])
  }
  const comparison: Comparison = { pairs: 0, alone: [], doubled: [], differences: [] }
  const paired = new Set<string>()
  for (const left of alm) {
    const id = String(left.id)
    const twins = byAlm.get(id) ?? []
    const [right] = twins
    if (right === undefined) {
      comparison.alone.push(`ALM ${id}`)
      continue
    }
    if (twins.length > 1) comparison.doubled.push(`ALM ${id}`)
    paired.add(String(right.id))
    comparison.pairs++
    const logical = (value: unknown) =>
      String((value as { id?: string } | null)?.id ?? '')
        .split('.')
        .pop() ?? ''
    const text = (value: unknown) =>
      String(value ?? '')
        .replace(/<[^>]*>/g, ' ')
        .replace(/&nbsp;|\s+/g, ' ')
        .trim()
    const check = (field: string, same: boolean, almValue: unknown, octaneValue: unknown) => {
      if (!same)
        comparison.differences.push({
          alm: id,
          octane: String(right.id),
          field,
          almValue: String(almValue ?? ''),
          octaneValue: String(octaneValue ?? ''),
        })
    }
    check('name', left.name === right.name, left.name, right.name)
    check(
      'description',
      text(left.description) === text(right.description),
      text(left.description),
      text(right.description),
    )
    const severity = String(left.severity ?? '')
      .replace(/^\d-/, '')
      .toLowerCase()
      .replace(/ /g, '_')
    check('severity', severity === logical(right.severity), left.severity, logical(right.severity))
    check(
      'status',
      statusOfPhase[logical(right.phase)]?.includes(String(left.status)) === true,
      left.status,
      logical(right.phase),
    )
    check(
      'story points',
      String(left['estimated-fix-time'] ?? '') === String(right.story_points ?? ''),
      left['estimated-fix-time'],
      right.story_points,
    )
  }
  for (const record of octane) if (!paired.has(String(record.id))) comparison.alone.push(`Octane ${String(record.id)}`)
  return comparison
}
