import { afterEach, describe, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let running: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.close()))
  running = []
})

describe('requests that are wrong in any way', () => {
  it('are refused in the words of the product and change nothing', async () => {
    const { octane, call: send, url, home, cookie } = await startOctane({ defects: 1 })
    running.push(octane)
    const [id = ''] = octane.records('defect').map((one) => one.id)
    const raw = async (method: string, path: string, body?: string) => {
      const headers = { cookie, 'content-type': 'application/json' }
      return (await fetch(`${url}${home}/${path}`, { method, headers, ...(body === undefined ? {} : { body }) })).status
    }
    const values = [7, 'x', true, [], {}, [null], { data: 1 }, { data: [null] }, { id: 1 }, { type: 'x', id: {} }]
    const fields = ['owner', 'severity', 'user_tags', 'story_points', 'blocked', 'closed_on', 'description', 'parent']
    for (const field of fields)
      for (const value of values) {
        const { status, json } = await send('PUT', `defects/${id}`, { [field]: value })
        const fits =
          (field === 'story_points' && value === 7) ||
          (field === 'blocked' && value === true) ||
          (field === 'description' && value === 'x')
        expect([field, value, status]).toEqual([field, value, fits ? 200 : 400])
        if (!fits) expect(json).toHaveProperty('error_code')
      }
    for (const body of [
      '[]',
      'null',
      '1',
      '"x"',
      '{"data":{}}',
      '{"data":[1]}',
      '{"data":[[]]}',
      '{"data":[null]}',
      '',
    ])
      for (const method of ['POST', 'PUT']) expect(await raw(method, 'defects', body), body).toBe(400)
    for (const body of [{ id: '1', name: 'x' }, { type: 'story', name: 'x' }, { type: 7 }])
      expect((await send('PUT', `defects/${id}`, body)).json, JSON.stringify(body)).toMatchObject({
        error_code: 'platform.illegal_field_value',
      })
    expect((await send('POST', 'defects', { data: [{ type: 'story', name: 'x' }] })).status).toBe(400)
    for (const data of [[], [{ name: 'a' }, { name: 'b' }]])
      expect((await send('PUT', `defects?${asked('id GT 0')}`, { data })).status).toBe(400)
    for (const query of ['fields=name,', 'fields=owner{', 'fields=}', 'order_by=,'])
      expect((await send('GET', `defects?${query}`)).status, query).toBe(400)
    expect((await send('GET', 'defects?query=')).status).toBe(200)
    expect((await send('GET', '%zz/1')).status).toBe(404)
    for (const method of ['PATCH', 'OPTIONS']) expect(await raw(method, 'defects'), method).toBe(405)
    expect(octane.truth.entries()).toHaveLength(3)
  })
})
