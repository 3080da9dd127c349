import { afterAll, beforeAll, expect, it } from 'vitest'
import { decideUnanswered } from '../db/unanswered.ts'
import { type Service, startService } from './service.ts'

let service: Service
let id: string
const lines = Array.from({ length: 12 }, (_, index) => `Paragraph ${index} of a long text.`)
const memo = (all: readonly string[]) => `<html><body>${all.map((line) => `<p>${line}</p>`).join('')}</body></html>`

beforeAll(async () => {
  service = await startService({ alm: { defects: 5 } })
  id = (await service.addLink()).id
  const { items } = await service.call('listVersions', params())
  const { fields } = (items[0]?.configuration ?? {}) as { fields: { left: string | null }[] }
  const asked = ['name', 'description']
  await service.configure(id, {
    fields: fields.map((field) => (asked.includes(field.left ?? '') ? { ...field, conflict: 'ask' } : field)),
  })
  await service.runToEnd(id, 'check')
  service.alm.edit('defect', '1', { description: memo(lines) })
  await service.runToEnd(id, 'run')
  for (const number of ['1', '2', '3', '4'])
    bothEdit(number, { name: `ALM ${number}` }, { name: `Octane ${number}`, story_points: 7 })
  bothEdit(
    '1',
    { description: memo(lines.with(5, 'ALM wrote this.')) },
    { description: memo(lines.with(9, 'Octane did.')) },
  )
  await service.runToEnd(id, 'run')
})

afterAll(() => service?.close())

const params = () => ({ params: { id } })
const alm = (number: string) => service.alm.store.get('defect', number)
const twinOf = (number: string) => {
  const twin = service.octane.records('defect').find((one) => one.alm_id_udf === `DEFAULT/Sync/defect/${number}`)
  if (twin === undefined) throw new Error(`${number} has no twin`)
  return twin
}
function bothEdit(number: string, left: Record<string, string>, right: Record<string, string | number>): void {
  service.alm.edit('defect', number, left)
  service.octane.edit('defect', String(twinOf(number).id), right)
}
const list = (query: Record<string, string> = {}) =>
  service.call('listConflicts', { ...params(), query: { open: 'true', ...query } }).then(({ items }) => items)
async function of(number: string, mappingId = 'name') {
  const [found, ...more] = await list({ leftId: number, mappingId })
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more conflicts of ${number}`)
  return found
}
const fieldIds = async () => [...new Set((await list()).map((one) => one.mappingId))].sort()
/** As if the values of a conflict had been what they are for so many days. */
const age = (conflictId: string, days: number) => service.database.sql`
  update conflicts set values_since = now() - make_interval(days => ${days}) where id = ${conflictId}`

it('lists what waits of one link or of all, by field, kind, record, age and decision, while the rest flows', async () => {
  expect(await fieldIds()).toEqual(['description', 'name'])
  expect(await list()).toHaveLength(5)
  for (const number of ['1', '2', '3', '4']) expect(alm(number)?.['estimated-fix-time']).toBe('7')
  expect(await list({ mappingId: 'description' })).toMatchObject([{ leftId: '1', rightId: twinOf('1').id }])
  expect(await list({ rightId: String(twinOf('2').id) })).toMatchObject([
    { leftId: '2', left: 'ALM 2', right: 'Octane 2' },
  ])
  expect(await list({ kind: 'frozen' })).toEqual([])
  expect(await list({ waitingDays: '1' })).toEqual([])
  await age((await of('3')).id, 2)
  expect((await list({ waitingDays: '1' })).map((one) => one.leftId)).toEqual(['3'])
  const { items, next } = await service.call('conflictInbox', { query: { open: 'true', limit: '3' } })
  const rest = await service.call('conflictInbox', { query: { open: 'true', limit: '3', cursor: next ?? '' } })
  expect([...items, ...rest.items].map((one) => one.id)).toEqual((await list()).map((one) => one.id))
  expect(new Set(items.map((one) => one.linkId))).toEqual(new Set([id]))
})

it('shows what each side changed in a long text, and nothing where values are short', async () => {
  const found = await list({ differences: 'true' })
  const long = found.find((one) => one.mappingId === 'description')
  expect(long?.differences).toMatchObject({
    form: 'text',
    between: expect.arrayContaining([expect.objectContaining({ kind: 'left-out' })]),
  })
  const kinds = (parts: readonly { kind: string; text: string }[] | null | undefined, kind: string) =>
    (parts ?? []).filter((part) => part.kind === kind).map((part) => part.text.trim())
  expect(kinds(long?.differences?.left, 'added')).toEqual(['ALM wrote this.'])
  expect(kinds(long?.differences?.right, 'added')).toEqual(['Octane did.'])
  expect(found.filter((one) => one.mappingId === 'name').map((one) => one.differences)).toEqual([
    null,
    null,
    null,
    null,
  ])
  expect((await list()).every((one) => one.differences === null)).toBe(true)
  const one = await service.call('getConflict', { params: { id, conflictId: long?.id ?? '' } })
  expect(one.differences).toEqual(long?.differences)
})

it('takes a side in bulk and a value of its own, each with its reason', async () => {
  const [third, fourth, text] = [await of('3'), await of('4'), await of('1', 'description')]
  const bulk = await service.call('resolveConflicts', {
    ...params(),
    body: {
      choose: 'left',
      reason: 'ALM leads',
      conflicts: [third, fourth].map((one) => ({ id: one.id, revision: one.revision })),
    },
  })
  expect(bulk.items.map((one) => one.state)).toEqual(['decided', 'decided'])
  expect((await list({ decided: 'true' })).map((one) => one.leftId).sort()).toEqual(['3', '4'])
  const both = lines.with(5, 'ALM wrote this.').with(9, 'Octane did.')
  await service.call('resolveConflict', {
    params: { id, conflictId: text.id },
    body: { choose: 'value', value: memo(both), reason: 'both are right', revision: text.revision },
  })
  await service.runToEnd(id, 'run')
  expect([twinOf('3').name, twinOf('4').name]).toEqual(['ALM 3', 'ALM 4'])
  for (const value of [String(alm('1')?.description), String(twinOf('1').description)])
    expect([value.includes('ALM wrote this.'), value.includes('Octane did.')]).toEqual([true, true])
  expect((await list()).map((one) => one.leftId).sort()).toEqual(['1', '2'])
})

it('takes the side that the link names once nobody has decided for so long, and only then', async () => {
  const [first, second] = [await of('1'), await of('2')]
  await age(first.id, 20)
  await age(second.id, 20)
  // Without such a setting they wait for ever.
  expect(await decideUnanswered(service.database)).toBe(0)
  expect(first.decidesItself).toBeNull()
  await service.configure(id, { unanswered: { afterDays: 14, take: 'right' } })
  // A new value gives people their time again.
  service.alm.edit('defect', '2', { name: 'ALM 2, edited again' })
  await service.runToEnd(id, 'check')
  await service.runToEnd(id, 'run')
  const again = await of('2')
  expect(Date.parse(again.decidesItself?.at ?? '') - Date.parse(again.valuesSince)).toBe(14 * 86_400_000)
  expect((await of('1')).decidesItself).toMatchObject({ take: 'right' })
  await service.database.sql`update conflicts set kind = 'frozen' where id = ${first.id}`
  expect(await decideUnanswered(service.database)).toBe(0)
  await service.database.sql`update conflicts set kind = 'both-changed' where id = ${first.id}`
  expect(await decideUnanswered(service.database)).toBe(1)
  expect(await decideUnanswered(service.database)).toBe(0)
  await service.runToEnd(id, 'run')
  expect(alm('1')?.name).toBe('Octane 1')
  expect([alm('2')?.name, twinOf('2').name]).toEqual(['ALM 2, edited again', 'Octane 2'])
  expect((await list()).map((one) => one.leftId)).toEqual(['2'])
  const rows = await service.database.sql<{ content: { reason: string } }[]>`
    select content from ledger where action = 'resolve-conflict' and actor = 'tandem'`
  expect(rows).toMatchObject([
    { content: { reason: 'Nobody has decided for 14 days: the link takes the right side then.' } },
  ])
})
