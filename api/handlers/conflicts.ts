import { setImmediate } from 'node:timers/promises'
import type { z } from 'zod'
import { textDifferences } from '../../core/text-diff.ts'
import { type ConflictRow, decideConflicts, frozenConflicts, getConflict, listConflicts } from '../../db/conflicts.ts'
import { getLink } from '../../db/links.ts'
import type { conflictQuery } from '../contract/conflicts.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

type ConflictHandlerName =
  | 'listConflicts'
  | 'conflictInbox'
  | 'getConflict'
  | 'resolveConflict'
  | 'resolveConflicts'
  | 'unfreezeRecord'

const refusals = {
  moved: 'The conflict has moved on since: a side shows another value now, or somebody has decided.',
  closed: 'The conflict is closed already.',
  busy: 'An earlier decision about it is being carried out just now.',
}

export function conflictHandlers({ database }: Dependencies): Pick<Handlers, ConflictHandlerName> {
  async function existingLink(id: string): Promise<void> {
    if ((await getLink(database, id)) === null) throw notFound('link', id)
  }

  async function listed(
    query: z.infer<typeof conflictQuery> & { limit: number; cursor?: string | undefined },
    linkId?: string,
  ) {
    const { limit, cursor, differences, open, decided, kind, mappingId, leftId, rightId, waitingDays } = query
    const before = readCursor(cursor, timeKey)
    const rows = await listConflicts(database, {
      limit: limit + 1,
      ...(linkId === undefined ? {} : { linkId }),
      ...(open === undefined ? {} : { open: open === 'true' }),
      ...(decided === undefined ? {} : { decided: decided === 'true' }),
      ...(kind === undefined ? {} : { kind }),
      ...(mappingId === undefined ? {} : { mappingId }),
      ...(leftId === undefined ? {} : { leftId }),
      ...(rightId === undefined ? {} : { rightId }),
      ...(waitingDays === undefined ? {} : { waitingDays }),
      ...(before === undefined ? {} : { before }),
    })
    const { items, next } = page(rows, limit, (row) => ({ at: row.firstSeen, id: row.id }))
    const compared: ReturnType<typeof shown>[] = []
    for (const row of items) {
      compared.push(shown(row, differences === 'true'))
      // Long texts take their time, and others ask meanwhile.
      if (differences === 'true') await setImmediate()
    }
    return { items: compared, next }
  }

  return {
    listConflicts: async ({ params, query }) => {
      await existingLink(params.id)
      return listed(query, params.id)
    },
    conflictInbox: ({ query }) => listed(query),
    getConflict: async ({ params }) => {
      const found = await getConflict(database, params.id, params.conflictId)
      if (found === null) throw notFound('conflict', params.conflictId)
      return shown(found, true)
    },
    resolveConflict: async ({ params, body }, { actor }) => {
      await existingLink(params.id)
      const { revision, value, ...choice } = body
      const [outcome] = await decideConflicts(database, {
        linkId: params.id,
        conflicts: [{ id: params.conflictId, revision }],
        value: value ?? null,
        actor,
        ...choice,
      })
      if (outcome === undefined || outcome.state === 'unknown') throw notFound('conflict', params.conflictId)
      if (outcome.state === 'refused')
        throw new ApiProblem(422, 'decision-refused', outcome.message ?? 'The field does not flow that way.', {
          remedy: 'Choose otherwise, or change the mapping first.',
          errors: [{ pointer: '/choose', message: 'cannot be carried out' }],
        })
      if (outcome.state !== 'decided')
        throw new ApiProblem(409, `conflict-${outcome.state}`, refusals[outcome.state], {
          remedy: 'Look at the conflict again and decide about what it shows now.',
          errors: [{ pointer: '/revision', message: `the newest is ${outcome.conflict?.revision ?? revision}` }],
        })
      const decided = await getConflict(database, params.id, params.conflictId)
      if (decided === null) throw notFound('conflict', params.conflictId)
      return shown(decided, true)
    },
    resolveConflicts: async ({ params, body }, { actor }) => {
      await existingLink(params.id)
      const { value, ...choice } = body
      const input = { linkId: params.id, value: value ?? null, actor, ...choice }
      return { items: (await decideConflicts(database, input)).map(shownOutcome) }
    },
    unfreezeRecord: async ({ params, body }, { actor }) => {
      await existingLink(params.id)
      const conflicts = await frozenConflicts(database, {
        linkId: params.id,
        side: params.side,
        recordId: params.recordId,
        ...(body.mappingId === undefined ? {} : { mappingId: body.mappingId }),
      })
      if (conflicts.length === 0)
        throw new ApiProblem(409, 'not-frozen', `No field of record ${params.recordId} is frozen.`, {
          remedy: 'List the open conflicts of the link to see which fields are.',
        })
      const items = await decideConflicts(database, {
        linkId: params.id,
        conflicts,
        choose: 'retry',
        value: null,
        side: params.side,
        reason: body.reason,
        actor,
      })
      return { items: items.map(shownOutcome) }
    },
  }
}

function shown(row: ConflictRow, compared: boolean) {
  return { ...row, differences: compared ? textDifferences(row) : null }
}

function shownOutcome<T extends { conflict: ConflictRow | null }>(outcome: T) {
  return { ...outcome, conflict: outcome.conflict === null ? null : shown(outcome.conflict, false) }
}
