import { joinPeople } from '../core/people.ts'
import type { Store } from '../core/store.ts'
import type { Workbench } from './connections.ts'

/** Records that wait for a person are due again where somebody was given an account or an address meanwhile. */
export async function watchPeople(
  store: Pick<Store, 'peopleWaitedFor' | 'requeuePeople'>,
  { link, metadata }: Pick<Workbench, 'link' | 'metadata'>,
): Promise<void> {
  const waitedFor = await store.peopleWaitedFor(link.id)
  if (waitedFor === null) return
  const people = joinPeople({ left: metadata.left.users, right: metadata.right.users }, link.users)
  const appeared = waitedFor.filter(({ side, key }) => people.twinOf(side, key) !== undefined)
  await store.requeuePeople({ linkId: link.id, keys: appeared.map(({ key }) => key.toLowerCase()) })
}
