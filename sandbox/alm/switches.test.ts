import { afterEach, expect, it } from 'vitest'
import { type AlmClient, startAlm, value } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>[] = []

afterEach(async () => {
  await Promise.all(started.map(({ alm }) => alm.close()))
  started = []
})

async function signedIn(options: Parameters<typeof startAlm>[0]) {
  const one = await startAlm(options)
  started.push(one)
  const client: AlmClient = one.client()
  await client.signIn()
  return { ...one, client }
}

const now = () => Date.parse('2026-07-01T20:00:00Z')

it('modifiedZone: last-modified is in the zone of the server, or in UTC', async () => {
  for (const [modifiedZone, stamp, earlier] of [
    ['server', '2026-07-02 05:00:00', '2026-07-02 04:00:00'],
    ['utc', '2026-07-01 20:00:00', '2026-07-01 19:00:00'],
  ] as const) {
    const { alm, client } = await signedIn({ defects: 1, now, timeZone: 'Asia/Tokyo', switches: { modifiedZone } })
    alm.edit('defect', '1', { priority: '5-Urgent', status: 'Open' })
    const found = await client.get(`defects?query={last-modified['${stamp}']}`)
    expect(found.json.TotalResults).toBe(1)
    expect(alm.store.audits.rows.at(-1)?.time).toBe('2026-07-02 05:00:00')
    alm.edit('defect', '1', { name: 'earlier' }, { modifiedSecondsAgo: 3_600 })
    expect(alm.records('defect')[0]?.['last-modified']).toBe(earlier)
  }
})

it('idleId: an expired session names itself, or is a general error', async () => {
  for (const idleId of ['session-has-expired', 'general-error']) {
    let at = now()
    const { client } = await signedIn({ now: () => at, switches: { idleId, ssoSeconds: '99999' } })
    at += 3_601_000
    const answer = await client.get('defects')
    expect([answer.status, answer.json.Id]).toEqual([401, `qccore.${idleId}`])
  }
})

it('siteLists: domains and projects as nested lists, or as results', async () => {
  const { client, turn } = await signedIn({})
  expect((await client.get('/rest/domains')).json).toEqual({ Domains: { Domain: [{ Name: 'DEFAULT' }] } })
  turn({ siteLists: 'results' })
  expect((await client.get('/rest/domains')).json).toEqual({ results: [{ name: 'DEFAULT' }] })
  expect((await client.get('/rest/domains?include-projects-info=y')).json).toEqual({
    results: [{ name: 'DEFAULT', projects: { results: [{ name: 'Sync' }] } }],
  })
  expect((await client.get('/rest/domains/DEFAULT/projects')).json).toEqual({ results: [{ name: 'Sync' }] })
})

it('commentBanner: seeded comments in the form of old or new clients, and all else as without', async () => {
  const seeded = async (commentBanner: string) =>
    (await signedIn({ defects: 40, switches: { commentBanner } })).alm.records('defect')
  const comments = (records: Awaited<ReturnType<typeof seeded>>) =>
    records.flatMap((one) => (one['dev-comments'] === null ? [] : String(one['dev-comments'])))
  const [none, underscores, login] = [await seeded('none'), await seeded('underscores'), await seeded('login')]
  expect(comments(none)).toEqual([])
  expect(comments(underscores).length).toBeGreaterThan(20)
  for (const one of comments(underscores))
    expect(one).toMatch(/<strong> [^<]+ , [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d 20\d\d:<\/strong>/)
  expect(comments(underscores).some((one) => one.includes(`<b>${'_'.repeat(40)}</b><br />`))).toBe(true)
  for (const one of comments(login)) expect(one).toMatch(/<b>[^<]+ &lt;[\w.@-]+&gt;, \d\d\/\d\d\/20\d\d:<\/b>/)
  const others = (records: typeof none) => records.map((one) => ({ ...one, 'dev-comments': null }))
  expect(others(login)).toEqual(others(none))
  expect(await seeded('login')).toEqual(login)
})

it('lockedId: a write to a record that somebody has open, by each of the ids seen', async () => {
  const { alm, client, turn } = await signedIn({ defects: 1 })
  alm.store.lock('defect', '1', { user: 'bob', session: null, via: 'control' }, 60_000)
  for (const lockedId of ['lock-failure', 'entity-locked', 'request-conflict']) {
    turn({ lockedId, lockedStatus: '409' })
    const answer = await client.send('PUT', 'defects/1', {
      Fields: [{ Name: 'name', values: [{ value: 'x' }] }],
      Type: 'defect',
    })
    expect([answer.status, answer.json.Id]).toEqual([409, `qccore.${lockedId}`])
  }
})

it('memoForm, memoStyles: what a site does to HTML', async () => {
  const { client, turn } = await signedIn({ defects: 1 })
  const stored = async (memoForm: string, memoStyles: string) => {
    turn({ memoForm, memoStyles })
    const text = '<p style="color: red">a  <font color="red">b</font></p><script>x</script>'
    const { json } = await client.update('defects/1', { description: text })
    return value(json, 'description')
  }
  const wrapped = (inner: string) => `<html><body>\n${inner}\n</body></html>`
  expect(await stored('printed', 'kept')).toBe(wrapped('<p style="color: red">a <font color="red">b</font></p>'))
  expect(await stored('cleaned', 'kept')).toBe(wrapped('<p style="color: red">a  <font color="red">b</font></p>'))
  expect(await stored('printed', 'removed')).toBe(wrapped('<p>a b</p>'))
  expect(await stored('verbatim', 'kept')).toBe(
    wrapped('<p style="color: red">a  <font color="red">b</font></p><script>x</script>'),
  )
})
