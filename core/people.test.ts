import { describe, expect, it } from 'vitest'
import type { EndpointUser } from './metadata.ts'
import { joinPeople, type UserPair } from './people.ts'

const user = (key: string, more: Partial<EndpointUser> = {}): EndpointUser => ({
  key,
  login: key,
  name: `name of ${key}`,
  emails: [],
  active: true,
  machine: false,
  ...more,
})

const join = (left: readonly EndpointUser[], right: readonly EndpointUser[], pairs: readonly UserPair[] = []) =>
  joinPeople({ left, right }, pairs)

describe('people of both sides', () => {
  // covers 82
  it('are the same by any of their addresses, then by login, then by full name', () => {
    const left = [
      user('ann', { emails: ['private@x', 'Ann@X'] }),
      user('bob@x'),
      user('carla', { name: 'Carla Conti' }),
      user('dora', { emails: ['dora@x'] }),
      user('none'),
    ]
    const right = [
      user('1', { emails: ['ann@x'] }),
      user('2', { emails: ['bob@x'] }),
      user('3', { name: 'carla conti' }),
      user('4', { login: 'DORA@x' }),
    ]
    const people = join(left, right)
    expect(left.map(({ key }) => people.twinOf('left', key))).toEqual([
      { key: '1', by: 'email' },
      { key: '2', by: 'login' },
      { key: '3', by: 'name' },
      { key: '4', by: 'login' },
      undefined,
    ])
    expect(people.twinOf('right', '1')).toEqual({ key: 'ann', by: 'email' })
  })

  it('are left alone where several come into question, but for one who is active; machines are nobody', () => {
    const left = [user('ann', { emails: ['a@x'] }), user('bob', { emails: ['b@x'] }), user('api', { emails: ['c@x'] })]
    const right = [
      user('1', { emails: ['a@x'], name: 'one' }),
      user('2', { emails: ['a@x'], name: 'two' }),
      user('3', { emails: ['b@x'], active: false }),
      user('4', { emails: ['b@x'] }),
      user('5', { emails: ['c@x'], machine: true }),
    ]
    const people = join(left, right)
    expect(left.map(({ key }) => people.twinOf('left', key)?.key)).toEqual([undefined, '4', undefined])
  })

  // covers 83
  it('are whom the mapping says, each way by itself, by key, login or address, and somebody stands in for the rest', () => {
    const left = [user('ann', { emails: ['a@x'] }), user('bob')]
    const right = [user('1', { emails: ['a@x'] }), user('2', { emails: ['B@x'] })]
    const people = join(left, right, [
      { left: 'ANN', right: 'b@X', direction: 'to-right' },
      { left: 'gone', right: 'b@x', direction: 'to-right' },
      { left: 'bob', right: 'nobody@x', direction: 'both' },
      { left: null, right: 'a@x', direction: 'to-right' },
    ])
    expect(people.twinOf('left', 'ann')).toEqual({ key: '2', by: 'mapping' })
    expect(people.twinOf('right', '2')).toBeUndefined()
    expect(people.twinOf('right', '1')).toEqual({ key: 'ann', by: 'email' })
    // Records name people whom the endpoint does not list any more.
    expect(people.twinOf('left', 'Gone')).toEqual({ key: '2', by: 'mapping' })
    expect(people.twinOf('left', 'bob')).toBeUndefined()
    expect(people.unknown).toEqual([{ left: 'bob', right: 'nobody@x', direction: 'both' }])
    expect([people.standIn('right'), people.standIn('left')]).toEqual(['1', null])
  })
})
