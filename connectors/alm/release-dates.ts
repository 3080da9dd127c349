import type { Problem } from '../../core/problems.ts'
import type { CanonicalValue, RecordSnapshot } from '../../core/values.ts'
import type { CallOptions, Connector, CreateRow, RowResult, UpdateRow } from '../contract.ts'
import { notSent } from './row-results.ts'

/** Releases and their cycles as one entity type. */
const plan = 'release_plan'
const type = 'record-type'
const dates = ['start-date', 'end-date'] as const
const shownAtMost = 3

interface Span {
  start: string
  end: string
}

/**
 * ALM takes no cycle outside of its release, and no release that does not hold its cycles; it says so with a 500 that may mean
 * anything. So what makes a release longer is written before its cycles, and what makes it shorter after them: a release that
 * is moved together with its cycles gets through. What lies outside all the same is refused in words that name it.
 */
export function withReleaseDates(connector: Connector): Connector {
  let updating: Promise<unknown> = Promise.resolve()

  async function create(
    entityType: string,
    rows: readonly CreateRow[],
    returnFields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]> {
    if (entityType !== plan) return connector.create(entityType, rows, returnFields, options)
    // A release that is being made longer in the same batch is so when its new cycles come.
    await Promise.resolve()
    await updating.catch(() => undefined)
    return explained(rows, await connector.create(entityType, rows, returnFields, options), options)
  }

  function update(
    entityType: string,
    rows: readonly UpdateRow[],
    returnFields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]> {
    if (entityType !== plan) return connector.update(entityType, rows, returnFields, options)
    const mine = inSteps(rows, returnFields, options)
    updating = mine
    return mine
  }

  /** Releases as far as they become longer, then cycles, then what makes releases shorter. */
  async function inSteps(
    rows: readonly UpdateRow[],
    returnFields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]> {
    const moved = rows.filter((row) => row.recordType === 'release' && dates.some((name) => name in row.fields))
    const now = new Map<string, RecordSnapshot>()
    try {
      if (moved.length > 0)
        for (const one of await connector.read(plan, idsOf(moved), [...dates], options)) now.set(one.id, one)
    } catch (error) {
      return rows.map(() => notSent(error))
    }
    const results: (RowResult | undefined)[] = rows.map(() => undefined)
    const send = async (step: readonly { index: number; row: UpdateRow }[]): Promise<readonly RowResult[]> => {
      if (step.length === 0) return []
      const sent = step.map(({ row }) => row)
      return explained(sent, await connector.update(plan, sent, returnFields, options), options)
    }
    const halves = rows.map((row, index) => ({ index, row, ...halvesOf(row, now.get(row.id)) }))
    const isCycle = (row: UpdateRow) => row.recordType === 'release-cycle'
    const longer = halves.flatMap(({ index, row, first }) =>
      first === null || isCycle(row) ? [] : [{ index, row: first }],
    )
    const cycles = halves.filter(({ row }) => isCycle(row))
    for (const step of [longer, cycles]) {
      const ended = await send(step)
      step.forEach(({ index }, at) => {
        results[index] = ended[at]
      })
    }
    const shorter = halves.flatMap(({ index, first, second }) => {
      if (second === null) return []
      const before = results[index]
      if (first === null) return [{ index, row: second }]
      // What came first was not taken, or was taken together with somebody's edit: the rest has to be planned anew.
      return before?.outcome === 'done' ? [{ index, row: { ...second, expected: before.snapshot.stamp } }] : []
    })
    const ended = await send(shorter)
    shorter.forEach(({ index, row }, at) => {
      const [before, after] = [results[index], ended[at]]
      results[index] = before === undefined ? after : joined(before, after, Object.keys(row.fields))
    })
    return results.map(
      (result): RowResult =>
        result ?? { outcome: 'refused', problem: notSent('The connector gave no result.').problem },
    )
  }

  /** Results in which what ALM did not take because of dates is told as that. */
  async function explained(
    rows: readonly (CreateRow | UpdateRow)[],
    results: readonly RowResult[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]> {
    const doubtful = results.flatMap((result, index) => {
      const row = rows[index]
      return row !== undefined && isUnclear(result) && concerns(row) ? [{ index, row }] : []
    })
    if (doubtful.length === 0) return results
    try {
      const problems = await outside(
        doubtful.map(({ row }) => row),
        options,
      )
      const byIndex = new Map(doubtful.map(({ index }, at) => [index, problems[at] ?? null]))
      return results.map((result, index) => {
        const problem = byIndex.get(index) ?? null
        return problem === null ? result : { outcome: 'refused', problem }
      })
    } catch {
      return results
    }
  }

  /** Of each row why its dates cannot be, as ALM's records are now; null: they can. */
  async function outside(rows: readonly (CreateRow | UpdateRow)[], options?: CallOptions): Promise<(Problem | null)[]> {
    const wanted = ['name', ...dates, 'parent-id', type]
    const changed = rows.flatMap((row) => ('id' in row ? [row.id] : []))
    const known = new Map((await connector.read(plan, changed, wanted, options)).map((one) => [one.id, one]))
    const fieldsOf = (row: CreateRow | UpdateRow): RecordSnapshot['fields'] => ({
      ...('id' in row ? known.get(row.id)?.fields : {}),
      ...row.fields,
    })
    const above = rows.filter(isOfCycle).map((row) => `release-${fieldsOf(row)['parent-id']}`)
    const releases = new Map(
      (await connector.read(plan, [...new Set(above)], wanted, options)).map((one) => [one.id, one]),
    )
    const numbers = rows.filter((row) => !isOfCycle(row)).flatMap((row) => ('id' in row ? [numberOf(row.id)] : []))
    const inside =
      numbers.length === 0
        ? []
        : (await connector.find(plan, 'parent-id', numbers, wanted, options)).filter(
            (one) => one.fields[type] === 'release-cycle',
          )
    return rows.map((row) => {
      const fields = fieldsOf(row)
      const own = spanOf(fields)
      if (own === null) return null
      if (isOfCycle(row)) {
        const release = releases.get(`release-${fields['parent-id']}`)
        const span = release === undefined ? null : spanOf(release.fields)
        if (release === undefined || span === null || holds(span, own)) return null
        return {
          class: 'refused',
          code: 'outside-release',
          message: `The cycle would run from ${words(own)}, outside of its release "${release.fields.name}" (${words(span)}); ALM takes none such.`,
          remedy:
            'Make the release longer or move the cycle (the sprint) into it, on either side; it is tried again by itself.',
          field: own.start < span.start || own.start > span.end ? 'start-date' : 'end-date',
        }
      }
      const out = inside.filter((one) => {
        const span = spanOf(one.fields)
        return 'id' in row && String(one.fields['parent-id']) === numberOf(row.id) && span !== null && !holds(own, span)
      })
      const [first] = out
      if (first === undefined) return null
      const names = out.slice(0, shownAtMost).map((one) => `"${one.fields.name}" (${words(spanOf(one.fields) ?? own)})`)
      const more = out.length > shownAtMost ? ` and ${out.length - shownAtMost} more` : ''
      return {
        class: 'refused',
        code: 'cycles-outside',
        message: `The release would run from ${words(own)}, without its cycles ${names.join(', ')}${more}; ALM takes none such.`,
        remedy: 'Move these cycles (sprints) or make the release longer, on either side; it is tried again by itself.',
        field: out.some((one) => String(one.fields['start-date']) < own.start) ? 'start-date' : 'end-date',
      }
    })
  }

  return { ...connector, create, update }
}

/**
 * What of a row is to be written before the cycles and what after: the dates that make the release shorter come last, and
 * alone where another one makes it longer.
 */
function halvesOf(
  row: UpdateRow,
  now: RecordSnapshot | undefined,
): { first: UpdateRow | null; second: UpdateRow | null } {
  const span = now === undefined ? null : spanOf(now.fields)
  const isShorter = (name: string, value: CanonicalValue) =>
    span !== null &&
    ((name === 'start-date' && String(value) > span.start) || (name === 'end-date' && String(value) < span.end))
  const isLonger = (name: string, value: CanonicalValue) =>
    span !== null &&
    ((name === 'start-date' && String(value) < span.start) || (name === 'end-date' && String(value) > span.end))
  const entries = Object.entries(row.fields)
  const shorter = entries.filter(([name, value]) => isShorter(name, value))
  if (shorter.length === 0) return { first: row, second: null }
  if (!entries.some(([name, value]) => isLonger(name, value))) return { first: null, second: row }
  const rest = entries.filter((entry) => !shorter.includes(entry))
  return {
    first: { ...row, fields: Object.fromEntries(rest) },
    second: { ...row, fields: Object.fromEntries(shorter) },
  }
}

/** One result of a row that was written in two steps. */
function joined(first: RowResult, second: RowResult | undefined, fields: readonly string[]): RowResult | undefined {
  if (first.outcome !== 'done' || second === undefined) return first
  if (second.outcome === 'done')
    return {
      ...second,
      writes: (first.writes ?? 1) + (second.writes ?? 1),
      ...(first.windowMs === undefined && second.windowMs === undefined
        ? {}
        : { windowMs: Math.max(first.windowMs ?? 0, second.windowMs ?? 0) }),
    }
  return second.outcome === 'refused' ? { ...first, left: { fields, problem: second.problem } } : second
}

function isUnclear(result: RowResult): boolean {
  if (result.outcome === 'in-doubt') return result.answered
  return result.outcome === 'refused' && result.problem.class === 'refused'
}

function concerns(row: CreateRow | UpdateRow): boolean {
  return [...dates, 'parent-id'].some((name) => name in row.fields)
}

function isOfCycle(row: CreateRow | UpdateRow): boolean {
  return ('recordType' in row ? row.recordType : row.fields[type]) === 'release-cycle'
}

function spanOf(fields: RecordSnapshot['fields']): Span | null {
  const [start, end] = dates.map((name) => fields[name])
  return typeof start === 'string' && typeof end === 'string' ? { start, end } : null
}

function holds(outer: Span, inner: Span): boolean {
  return inner.start >= outer.start && inner.end <= outer.end
}

function words({ start, end }: Span): string {
  return `${start} to ${end}`
}

function idsOf(rows: readonly UpdateRow[]): string[] {
  return rows.map((row) => row.id)
}

function numberOf(id: string): string {
  return id.replace(/^[a-z]+-/, '')
}
