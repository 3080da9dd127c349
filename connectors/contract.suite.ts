import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fieldByName } from '../core/metadata.ts'
import type { CanonicalValue, Stamp } from '../core/values.ts'
import { type Connector, ConnectorError, type RowResult, type UpdateRow } from './contract.ts'

/** What may go wrong with the next request of a kind. */
export type SubjectFault = 'error-before' | 'error-after' | 'throttle' | 'slow'

/** A system to hold against the contract, with the ways in that only its test has. */
export interface Subject {
  connector: Connector
  entityType: string
  /** Names of fields that every defect tracker has, in this one's words. */
  fields: {
    title: string
    text: string
    number: string
    list: { name: string; values: readonly [string, string]; unknown: string }
    user: { name: string; key: string }
    /** A day, or a moment where the system has no days. */
    date: { name: string; value: string }
    reference: string
  }
  /** What else a record needs so that it can be created. */
  needed: Readonly<Record<string, CanonicalValue>>
  /** A field without which nothing can be created, present in `needed` or the title. */
  required: string
  /** A person creates a record with this title; answers its id. */
  person: { create(title: string): string; edit(id: string, title: string): void; remove(id: string): void }
  fault(on: 'read' | 'create' | 'update' | 'delete', kind: SubjectFault, times?: number): void
  /** Ends every session at once. */
  expire(): void
  signIns(): number
  /** The same system with other credentials; it must be refused. */
  withWrongPassword(): Connector
  /** The secret that must never be told. */
  secret: string
  close(): Promise<void>
}

const none: Stamp = { version: null, modified: null }

/** The contract as tests: whatever the engine relies on, held against a system. */
export function contractSuite(name: string, open: () => Promise<Subject>): void {
  describe(`${name} honours the contract`, () => {
    let subject: Subject
    let connector: Connector

    beforeEach(async () => {
      subject = await open()
      connector = subject.connector
    })

    afterEach(async () => {
      await connector.close()
      await subject.close()
    })

    const type = () => subject.entityType
    const row = (title: string, more: Readonly<Record<string, CanonicalValue>> = {}) => ({
      fields: { ...subject.needed, [subject.fields.title]: title, ...more },
    })
    const done = (result: RowResult | undefined) => {
      if (result?.outcome !== 'done') throw new Error(`expected done: ${JSON.stringify(result)}`)
      return result.snapshot
    }
    const readOne = async (id: string, fields: readonly string[]) => (await connector.read(type(), [id], fields))[0]
    async function allIds(since: string | null = null, limit = 1_000): Promise<string[]> {
      const ids: string[] = []
      for (let afterId: string | null = null; ; ) {
        const page: Awaited<ReturnType<Connector['scan']>> = await connector.scan({
          entityType: type(),
          since,
          afterId,
          limit,
        })
        ids.push(...page.rows.map((one) => one.id))
        if (page.last) return ids
        afterId = page.rows.at(-1)?.id ?? afterId
      }
    }
    async function updateOf(id: string, fields: Readonly<Record<string, CanonicalValue>>): Promise<UpdateRow> {
      const now = await readOne(id, [subject.fields.title])
      if (now === undefined) throw new Error(`no record ${id}`)
      return {
        id,
        fields,
        expected: now.stamp,
        ...(now.lock === undefined ? {} : { lock: now.lock }),
        compareAndSet: true,
      }
    }

    it('says what it is connected to, as whom', async () => {
      const report = await connector.testConnection()
      expect(report.user).not.toBe('')
      expect(report.place).not.toBe('')
    })

    // covers 11
    it('refuses wrong credentials with the remedy and without telling them', async () => {
      const wrong = subject.withWrongPassword()
      const error = await wrong.testConnection().catch((one: unknown) => one)
      await wrong.close()
      expect(error).toBeInstanceOf(ConnectorError)
      expect((error as ConnectorError).problem).toMatchObject({ class: 'auth' })
      expect((error as ConnectorError).problem.remedy).not.toBe('')
      expect(`${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain(subject.secret)
    })

    it('describes fields with their types, lists with their values, and people', async () => {
      const { fields } = subject
      const entity = await connector.describe(type())
      const of = (field: string) => fieldByName(entity, field)
      expect(of(fields.title)).toMatchObject({ type: 'string', required: true, editable: true })
      expect(of(fields.text)).toMatchObject({ type: 'memo' })
      expect(of(fields.list.name)?.options?.map((option) => option.value)).toEqual(
        expect.arrayContaining([...fields.list.values]),
      )
      expect(of(fields.user.name)).toMatchObject({ type: 'user' })
      expect(of(fields.date.name)?.type).toMatch(/^date(time)?$/)
      expect((await connector.users()).some((user) => user.key === fields.user.key && user.active)).toBe(true)
    })

    it('keeps and reads back each type of value, and "no value" of each', async () => {
      const { fields } = subject
      const full: Record<string, CanonicalValue> = {
        [fields.number]: 7,
        [fields.list.name]: fields.list.values[1],
        [fields.user.name]: fields.user.key,
        [fields.date.name]: fields.date.value,
      }
      const created = done(
        (await connector.create(type(), [row('Ünï <b>"quoted"</b> & 漢字 🙂', full)], Object.keys(full)))[0],
      )
      const names = [fields.title, ...Object.keys(full)]
      expect((await readOne(created.id, names))?.fields).toEqual({
        ...full,
        [fields.title]: 'Ünï <b>"quoted"</b> & 漢字 🙂',
      })
      const empty: Record<string, CanonicalValue> = { [fields.number]: null, [fields.date.name]: null }
      done((await connector.update(type(), [await updateOf(created.id, empty)], Object.keys(empty)))[0])
      expect((await readOne(created.id, Object.keys(empty)))?.fields).toEqual(empty)
    })

    it('reads a long formatted text back with all its content', async () => {
      const text = `<p>First <b>bold</b> &amp; plain</p><ul><li>one</li><li>two</li></ul><p>${'long '.repeat(2_000)}end</p>`
      const created = done((await connector.create(type(), [row('text', { [subject.fields.text]: text })], []))[0])
      const read = String((await readOne(created.id, [subject.fields.text]))?.fields[subject.fields.text])
      for (const part of ['bold', '&amp; plain', '<li>one</li>', '<li>two</li>', 'end']) expect(read).toContain(part)
      expect(read.match(/long/g)).toHaveLength(2_000)
    })

    it('creates many in bulk with a result each, whatever becomes of the others', async () => {
      const { list } = subject.fields
      const rows = Array.from({ length: 130 }, (_, index) =>
        index % 13 === 5 ? row(`bulk ${index}`, { [list.name]: list.unknown }) : row(`bulk ${index}`),
      )
      const results = await connector.create(type(), rows, [subject.fields.title])
      expect(results).toHaveLength(130)
      for (const [index, result] of results.entries()) {
        if (index % 13 === 5) {
          expect(result).toMatchObject({ outcome: 'refused', problem: { class: 'mapping', field: list.name } })
        } else expect(done(result).fields[subject.fields.title]).toBe(`bulk ${index}`)
      }
      const bad = rows.filter((_, index) => index % 13 === 5).length
      expect(await connector.count(type())).toBe(130 - bad)
    })

    it('refuses a record without what it requires, and names the field', async () => {
      const { [subject.required]: _missing, ...fields } = row('incomplete').fields
      const [result] = await connector.create(type(), [{ fields }], [])
      expect(result).toMatchObject({ outcome: 'refused', problem: { field: subject.required } })
      expect(await connector.count(type())).toBe(0)
    })

    it('lists every record once in the order of ids, beyond the border of a page, while others are added and removed', async () => {
      const created = await connector.create(
        type(),
        Array.from({ length: 120 }, (_, index) => row(`page ${index}`)),
        [],
      )
      const ids = created.map((result) => done(result).id)
      const first = await connector.scan({ entityType: type(), since: null, afterId: null, limit: 50 })
      expect(first.last).toBe(false)
      subject.person.remove(ids[3] ?? '')
      subject.person.create('in between')
      const rest: string[] = []
      for (let afterId = first.rows.at(-1)?.id ?? null; ; ) {
        const page: Awaited<ReturnType<Connector['scan']>> = await connector.scan({
          entityType: type(),
          since: null,
          afterId,
          limit: 50,
        })
        rest.push(...page.rows.map((one) => one.id))
        if (page.last) break
        afterId = page.rows.at(-1)?.id ?? afterId
      }
      const listed = [...first.rows.map((one) => one.id), ...rest]
      expect(new Set(listed).size).toBe(listed.length)
      expect(listed).toEqual([...listed].sort((a, b) => Number(a) - Number(b)))
      expect(listed).toEqual(expect.arrayContaining(ids))
    })

    it('lists what changed since a time of its own, that very second included', async () => {
      const before = subject.person.create('earlier')
      const newest = await connector.newest(type())
      expect(newest).not.toBeNull()
      expect(await allIds(newest)).toContain(before)
      expect(await allIds(connector.earlier(newest ?? '', 60))).toContain(before)
      expect(connector.earlier(newest ?? '', 60) < (newest ?? '')).toBe(true)
    })

    it('raises the version of a record by one with each write, so that a successor is known', async () => {
      const id = subject.person.create('version')
      const before = await readOne(id, [])
      const after = done((await connector.update(type(), [await updateOf(id, { [subject.fields.number]: 3 })], []))[0])
      expect(after.stamp.version).toBe((before?.stamp.version ?? 0) + 1)
    })

    it('reads by ids, leaving out those that do not exist, and more than fit into one request', async () => {
      const created = await connector.create(
        type(),
        Array.from({ length: 210 }, (_, index) => row(`read ${index}`)),
        [],
      )
      const ids = created.map((result) => done(result).id)
      const found = await connector.read(type(), [...ids, '99999999'], [subject.fields.title])
      expect(found.map((one) => one.id).sort()).toEqual([...ids].sort())
    })

    it('finds records by the exact value of a text field, whatever it is made of', async () => {
      const names = ['D/P/defect/1', 'D/P/defect/11', 'O\'Neil "x" NOT (y) [z] ^ * ;']
      const { reference } = subject.fields
      await connector.create(
        type(),
        names.map((name) => row(name, { [reference]: name })),
        [],
      )
      for (const name of names) {
        const found = await connector.find(type(), reference, [name], [subject.fields.title])
        expect(found.map((one) => one.fields[subject.fields.title])).toEqual([name])
      }
      expect(await connector.find(type(), reference, ['D/P/defect/111'], [])).toEqual([])
      const both = await connector.find(type(), reference, names.slice(0, 2), [])
      const turned = await connector.find(type(), reference, names.slice(0, 2), [], { descending: true })
      expect(turned.map((one) => one.id)).toEqual(both.map((one) => one.id).reverse())
    })

    it('refuses a write to a record that somebody has changed since it was read', async () => {
      const id = subject.person.create('contended')
      const planned = await updateOf(id, { [subject.fields.title]: 'ours' })
      subject.person.edit(id, 'theirs')
      const [result] = await connector.update(type(), [planned], [])
      expect(result).toMatchObject({ outcome: 'refused', problem: { class: 'moved' } })
      expect((await readOne(id, [subject.fields.title]))?.fields[subject.fields.title]).toBe('theirs')
    })

    it('refuses a write to a record that is gone', async () => {
      const id = subject.person.create('doomed')
      const planned = await updateOf(id, { [subject.fields.title]: 'ours' })
      subject.person.remove(id)
      const [result] = await connector.update(type(), [planned], [])
      expect(result).toMatchObject({ outcome: 'refused', problem: { class: 'missing' } })
    })

    it('knows when a record was created, the same in a listing and in a reading', async () => {
      const id = subject.person.create('dated')
      const { rows } = await connector.scan({ entityType: type(), since: null, afterId: null, limit: 10 })
      const created = (await readOne(id, []))?.created
      expect(created).toEqual(expect.stringMatching(/^\d{4}-\d\d-\d\d/))
      expect(rows.find((one) => one.id === id)?.created).toBe(created)
    })

    it('says that a record is gone only in the words of the server and while another one reads', async () => {
      const ids = [subject.person.create('stays'), subject.person.create('goes'), subject.person.create('other')]
      const [stays = '', goes = '', other = ''] = ids
      subject.person.remove(goes)
      const outcomes = async (siblings: readonly string[]) =>
        (await connector.confirmGone(type(), [stays, goes], siblings)).map((one) => one.outcome)
      expect(await outcomes([other])).toEqual(['there', 'gone'])
      expect(await outcomes([])).toEqual(['there', 'unknown'])
      expect(await outcomes([goes])).toEqual(['there', 'unknown'])
      subject.fault('read', 'error-before', 1_000)
      expect(await outcomes([other])).toEqual(['unknown', 'unknown'])
    })

    it('deletes a record, once, and not one that somebody has changed since', async () => {
      const [id, edited] = [subject.person.create('to go'), subject.person.create('edited')]
      const rows = await Promise.all(
        [id, edited].map(async (one) => ({ id: one, expected: (await readOne(one, []))?.stamp ?? none })),
      )
      subject.person.edit(edited, 'edited since')
      const results = await connector.delete(type(), rows)
      expect(results[0]).toEqual({ outcome: 'done' })
      expect(results[1]).toMatchObject({ outcome: 'refused', problem: { class: 'moved' } })
      expect(await allIds()).toEqual([edited])
      const [again] = await connector.delete(type(), rows.slice(0, 1))
      expect(again).toMatchObject({ outcome: 'refused', problem: { class: 'missing' } })
    })

    it('calls a deletion in doubt when its answer is lost after it took effect', async () => {
      const id = subject.person.create('to go')
      const expected = (await readOne(id, []))?.stamp ?? none
      subject.fault('delete', 'error-after')
      const [result] = await connector.delete(type(), [{ id, expected }])
      expect(result).toMatchObject({ outcome: 'in-doubt' })
      expect(await allIds()).toEqual([])
    })

    it('calls a write in doubt, never failed, when its answer is lost after it took effect', async () => {
      subject.fault('create', 'error-after')
      const [created] = await connector.create(type(), [row('lost create', { [subject.fields.reference]: 'lost' })], [])
      expect(created).toMatchObject({ outcome: 'in-doubt' })
      const [found] = await connector.find(type(), subject.fields.reference, ['lost'], [])
      expect(found).toBeDefined()
      const planned = await updateOf(found?.id ?? '', { [subject.fields.number]: 4 })
      subject.fault('update', 'error-after')
      const [updated] = await connector.update(type(), [planned], [])
      expect(updated).toMatchObject({ outcome: 'in-doubt' })
      expect((await readOne(found?.id ?? '', [subject.fields.number]))?.fields[subject.fields.number]).toBe(4)
    })

    it('never repeats a write whose answer is lost', async () => {
      subject.fault('create', 'error-before')
      await connector.create(type(), [row('once')], [])
      expect(await connector.count(type())).toBe(0)
    })

    it('repeats reads that fail now and then', async () => {
      const id = subject.person.create('shaky')
      await connector.testConnection()
      await connector.describe(type())
      subject.fault('read', 'error-before', 2)
      expect((await readOne(id, [subject.fields.title]))?.fields[subject.fields.title]).toBe('shaky')
    })

    it('waits when it is asked to slow down, and does the write then, once', async () => {
      await connector.describe(type())
      subject.fault('create', 'throttle')
      done((await connector.create(type(), [row('patient')], []))[0])
      expect(await connector.count(type())).toBe(1)
    })

    it('signs in again once when the session ends, however many calls are under way', async () => {
      const id = subject.person.create('expired')
      await connector.testConnection()
      await connector.describe(type())
      const before = subject.signIns()
      subject.expire()
      const results = await Promise.all(Array.from({ length: 12 }, () => readOne(id, [subject.fields.title])))
      expect(results.every((one) => one?.id === id)).toBe(true)
      expect(subject.signIns() - before).toBe(1)
    })

    it('sends nothing once it is told to stop', async () => {
      await connector.describe(type())
      const [result] = await connector.create(type(), [row('too late')], [], { signal: AbortSignal.abort() })
      expect(result).toMatchObject({ outcome: 'refused', problem: { code: 'not-sent' } })
      await expect(connector.read(type(), ['1'], [], { signal: AbortSignal.abort() })).rejects.toThrow()
      expect(await connector.count(type())).toBe(0)
    })
  })
}
