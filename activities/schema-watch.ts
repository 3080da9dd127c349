import { ConnectorError } from '../connectors/contract.ts'
import { valueHash } from '../core/hash.ts'
import { fieldByName } from '../core/metadata.ts'
import { schemaChanges, schemaProblems, schemaSnapshot } from '../core/schema-drift.ts'
import type { Store } from '../core/store.ts'
import { sides } from '../core/values.ts'
import type { Workbench } from './connections.ts'

/**
 * Compares what the endpoints describe with what the link has last seen of them. What changed is told once; what the mapping
 * cannot do any more becomes an issue of the link, which ends by itself when it can again. Costs one look at the store where
 * nothing has changed.
 */
export async function watchSchema(
  store: Pick<Store, 'schemaSeen' | 'noteSchema'>,
  { link, metadata }: Pick<Workbench, 'link' | 'metadata'>,
  runId: string | null,
): Promise<void> {
  if (runId === null) return
  const { configuration, id: linkId, version } = link
  const snapshot = schemaSnapshot(configuration, metadata)
  const hash = valueHash(JSON.stringify(snapshot))
  const seen = await store.schemaSeen(linkId)
  if (seen !== null && seen.hash === hash && seen.version === version) return
  const changes = seen === null ? [] : schemaChanges(seen.snapshot, snapshot, configuration)
  await store.noteSchema({
    linkId,
    runId,
    version,
    seen: seen?.hash ?? null,
    hash,
    snapshot,
    changes: changes.map(({ side, message }) => `${link[side].name}: ${message}`),
    eased: [...new Set(changes.flatMap(({ mappings }) => mappings))],
    problems: schemaProblems(configuration, metadata, link.users),
  })
}

/** An endpoint refused to show a field that it described a while ago. */
export function isUnknownField(error: unknown): boolean {
  return error instanceof ConnectorError && error.problem.code === 'unknown-field'
}

/** Without the field that names the twin nothing can be created or recognized: the link rests, in words. */
export function assertCrossReferences({ link, metadata }: Pick<Workbench, 'link' | 'metadata'>): void {
  for (const side of sides) {
    const name = link.configuration[side].crossReference
    if (name === null || fieldByName(metadata[side].entity, name) !== undefined) continue
    throw new ConnectorError({
      class: 'schema',
      code: 'unknown-field',
      message: `${link[side].name} has no field "${name}" any more, which names the twin of each record.`,
      remedy: 'Bring the field back, or set another one; the link goes on by itself then.',
      side,
      field: name,
    })
  }
}
