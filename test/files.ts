import { createHash } from 'node:crypto'
import type { Lab } from './lab.ts'

async function digest(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of stream) hash.update(piece)
  return hash.digest('hex').slice(0, 12)
}

/** Files of a record as a system has them: names with the beginning of their hashes, sorted. */
export async function filesOf(system: Lab['alm'] | Lab['octane'], type: string, id: string): Promise<string[]> {
  if ('domain' in system) {
    const files = system.attachments.of(system.store.model(type), id)
    return (
      await Promise.all(
        files.map(async (file) => `${file.name} ${await digest(system.attachments.contentOf(file).open())}`),
      )
    ).sort()
  }
  const files = system.records('attachment').filter((one) => (one.owner_work_item as { id: string } | null)?.id === id)
  return (
    await Promise.all(
      files.map(async (file) => {
        const extra = system.store.extra(file.id)
        if (extra === undefined || !('content' in extra)) throw new Error('an attachment has a content')
        return `${file.name} ${await digest(extra.content.open())}`
      }),
    )
  ).sort()
}
