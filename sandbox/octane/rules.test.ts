import { afterEach, describe, expect, it } from 'vitest'
import { startAlm } from '../alm/test-client.ts'
import { startControl } from '../common/control.ts'
import { asked, control, startOctane } from './test-client.ts'

let running: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.close()))
  running = []
})

async function start(switches: Record<string, string> = {}) {
  const [client, { alm }] = [await startOctane({ switches }), await startAlm({ defects: 0 })]
  const port = await startControl({ alm, octane: client.octane })
  running.push(client.octane, alm, port)
  const say = (method: string, path: string, body?: object) => control(port, method, path, body)
  return { ...client, say }
}

const phase = (name: string) => ({ type: 'phase', id: `phase.defect.${name}` })

describe('business rules', () => {
  it('ask for fields in a phase, freeze fields, set others along, and refuse in their own words', async () => {
    const { octane, call, create, say } = await start()
    const rule = (body: object) => say('POST', '/octane/rules', { name: 'R', type: 'defect', ...body })
    await rule({ when: { phase: 'phase.defect.closed' }, require: ['closed_on', 'fixed_in_build'] })
    await rule({
      when: { phase: 'phase.defect.opened' },
      onChangeOf: ['phase'],
      set: { story_points: 5, blocked: true },
    })
    await rule({ when: { blocked: true }, readOnly: ['severity'] })
    await rule({ onChangeOf: ['environment'], refuse: 'Ask the operators first.' })
    const id = await create('defects', { name: 'ruled' })
    const put = (body: object) => call('PUT', `defects/${id}?fields=story_points,blocked`, body)
    expect(await put({ phase: phase('closed'), closed_on: '2026-01-01T00:00:00Z' })).toMatchObject({
      status: 400,
      json: {
        error_code: 'platform.business_rule',
        business_error: true,
        properties: { entity_type: 'defect', field_name: 'fixed_in_build' },
        description: expect.stringContaining('Fixed in build'),
      },
    })
    expect((await put({ phase: phase('opened') })).json).toMatchObject({ story_points: 5, blocked: true })
    expect(octane.truth.entries().at(-1)?.changed).toEqual(['phase', 'story_points', 'blocked'])
    const urgent = { severity: { type: 'list_node', id: 'list_node.severity.urgent' } }
    expect((await put(urgent)).status).toBe(400)
    expect((await put({ environment: 'x' })).json.description).toContain('Ask the operators first.')
    expect((await call('POST', 'defects', { data: [{ name: 'x', phase: phase('closed') }] })).status).toBe(400)
    expect(() => octane.edit('defect', id, urgent)).toThrow('read-only')
    await say('DELETE', '/octane/rules')
    expect((await put(urgent)).status).toBe(200)
    expect((await say('POST', '/octane/rules', { require: ['nothing'] })).json.error).toContain('nothing')
  })
})

describe('switches of what nobody outside has seen', () => {
  it('choose status and code of refusals', async () => {
    const { call, create, set } = await start({ enforceTransitions: 'yes' })
    const id = await create('defects', { name: 'x' })
    const epic = await create('epics', { name: 'e' })
    const refused = {
      lock: () => call('PUT', `defects/${id}`, { name: 'y', client_lock_stamp: 99 }),
      phase: () => call('PUT', `defects/${id}`, { phase: phase('closed') }),
      required: () => call('PUT', `defects/${id}`, { severity: null }),
      parent: () => call('PUT', `defects/${id}`, { parent: { type: 'epic', id: epic } }),
    }
    const seen = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(refused).map(async ([name, attempt]) => {
            const { status, json } = await attempt()
            return [name, `${status} ${json.error_code}`]
          }),
        ),
      )
    expect(await seen()).toEqual({
      lock: '500 platform.client_lock_stamp_mismatch',
      phase: '400 platform.transition_not_allowed',
      required: '400 platform.required_field_missing',
      parent: '400 platform.illegal_field_value',
    })
    set({ lockMismatchStatus: '409', lockMismatchCode: 'platform.general_error', transitionStatus: '403' })
    set({ transitionCode: 'platform.illegal_field_value', requiredStatus: '409', parentCode: 'platform.general_error' })
    set({ requiredCode: 'platform.missing_required_field' })
    expect(await seen()).toEqual({
      lock: '409 platform.general_error',
      phase: '403 platform.illegal_field_value',
      required: '409 platform.missing_required_field',
      parent: '400 platform.general_error',
    })
  })

  it('make the sprints of a scrum release', async () => {
    const { octane, create, call, set } = await start()
    const release = (name: string) => ({
      name,
      start_date: '2026-01-01T12:00:00Z',
      end_date: '2026-02-05T12:00:00Z',
      agile_type: { type: 'list_node', id: 'list_node.release_agile_type.scrum' },
      sprint_duration: 14,
    })
    const sprints = async (id: string) =>
      (await call('GET', `sprints?fields=name,end_date&order_by=id&${asked(`release EQ {id EQ ${id}}`)}`)).json.data
    expect(await sprints(await create('releases', release('by hand')))).toEqual([])
    set({ sprintsOfRelease: 'yes' })
    expect(await sprints(await create('releases', release('by the server')))).toMatchObject([
      { name: 'Sprint 1', end_date: '2026-01-15T12:00:00Z' },
      { name: 'Sprint 2', end_date: '2026-01-29T12:00:00Z' },
      { name: 'Sprint 3', end_date: '2026-02-05T12:00:00Z' },
    ])
    expect(octane.truth.entries().map((one) => one.type)).toEqual(['release', 'release', 'sprint', 'sprint', 'sprint'])
  })

  it('count only so far', async () => {
    const { octane, call } = await start({ countMaximum: '3' })
    octane.seedDefects(1, 5)
    expect((await call('GET', 'defects?limit=2')).json).toMatchObject({ total_count: 3, exceeds_total_count: true })
    expect((await call('GET', 'defects?limit=9')).json.data).toHaveLength(5)
  })

  it('sanitise memos harder or more softly', async () => {
    const { call, create, set } = await start()
    const id = await create('defects', { name: 'memo' })
    const written = async (description: string) =>
      (await call('PUT', `defects/${id}?fields=description`, { description })).json.description
    const clean = '<html><body>\n This is <b style="color: red">bold</b> ü \n</body></html>'
    expect(await written(clean)).toBe(clean)
    expect(await written('plain')).toBe('<html><body>\nplain\n</body></html>')
    expect(await written('<p onclick="x()">a<script>x()</script></p>')).toBe('<html><body>\n<p>a</p>\n</body></html>')
    const picture = '<html><body>\n<p>a<img src="data:image/png;base64,AA"></p>\n</body></html>'
    expect(await written(picture)).toBe(picture)
    set({ memoStyles: 'drop', memoTags: 'modern', memoEntities: 'encode', memoDataImages: 'drop', memoWrapper: 'no' })
    expect(await written(clean)).toBe('<html><body>\n This is <strong>bold</strong> &#252; \n</body></html>')
    expect(await written('plain')).toBe('plain')
    expect(await written(picture)).toBe('<html><body>\n<p>a</p>\n</body></html>')
  })
})

describe('large workspaces', () => {
  it('are made by counts, the same each time, with attachments whose bytes match their hash', async () => {
    const counts = { epics: 2, features: 4, stories: 5, qualityStories: 2, defects: 20, tasks: 6, requirements: 21 }
    const more = { manualTests: 3, commentsEach: 2, attachmentsEach: 1, attachmentBytes: 70_000, seed: 9 }
    const { octane, url, home, cookie, call, say } = await start()
    const made = (await say('POST', '/octane/world', { ...counts, ...more })).json
    expect(made).toEqual({
      epic: 2,
      feature: 4,
      story: 5,
      quality_story: 2,
      defect: 20,
      task: 6,
      requirement_folder: 2,
      requirement_document: 21,
      test_manual: 3,
      comment: 54,
      attachment: 27,
    })
    expect(octane.truth.entries()).toEqual([])
    const [attachment] = (await call('GET', 'attachments?limit=1&fields=name,size')).json.data
    expect(attachment.size).toBe(70_000)
    const { sha256 } = (await say('GET', `/octane/attachments?id=${attachment.id}`)).json
    const bytes = await fetch(`${url}${home}/attachments/${attachment.id}`, {
      headers: { cookie, accept: 'application/octet-stream' },
    })
    const digest = await crypto.subtle.digest('SHA-256', await bytes.arrayBuffer())
    expect(Buffer.from(digest).toString('hex')).toBe(sha256)
    const again = await start()
    await again.say('POST', '/octane/world', { ...counts, ...more })
    expect(again.octane.records('story')).toEqual(octane.records('story'))
  })

  it('get an attachment that a person adds', async () => {
    const { octane, create, say } = await start()
    const id = await create('stories', { name: 's' })
    const body = { owner: { id }, name: 'by hand.png', size: 10, actor: 'ann.archer@example.com' }
    expect((await say('POST', '/octane/attachments', body)).json).toMatchObject({ name: 'by hand.png', size: 10 })
    expect(octane.truth.entries().at(-1)).toMatchObject({ type: 'attachment', actor: body.actor, via: 'control' })
    expect((await say('POST', '/octane/attachments', { ...body, owner: { id: '1' } })).status).toBe(400)
    expect((await say('GET', '/octane/attachments?id=1')).status).toBe(400)
  })
})
