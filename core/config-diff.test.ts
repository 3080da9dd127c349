import fc from 'fast-check'
import { expect, it } from 'vitest'
import { configurationDifference, type PatchStep } from './config-diff.ts'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'

const endpointId = '00000000-0000-4000-8000-000000000001'

function configuration(fields: LinkConfigurationInput['fields'], more: Partial<LinkConfigurationInput> = {}) {
  const side = { endpointId, entityType: 'defect', crossReference: null }
  const rules = { toRight: { create: true, update: true }, toLeft: { create: true, update: true } }
  return linkConfiguration.parse({ entityType: 'defect', left: side, right: side, fields, rules, ...more })
}

/** RFC 6902, as far as the steps go. */
function applied(document: unknown, patch: readonly PatchStep[]): unknown {
  let whole = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
  for (const step of patch) {
    const path = step.path
      .split('/')
      .slice(1)
      .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
    const last = path.pop()
    if (last === undefined) {
      whole = (step as { value: Record<string, unknown> }).value
      continue
    }
    let at = whole as Record<string, unknown> | unknown[]
    for (const part of path) at = (at as Record<string, unknown>)[part] as Record<string, unknown>
    if (Array.isArray(at))
      at.splice(Number(last), step.op === 'add' ? 0 : 1, ...(step.op === 'remove' ? [] : [step.value]))
    else if (step.op === 'remove') delete at[last]
    else at[last] = step.value
  }
  return whole
}

const field = (id: string, conflict: 'left' | 'right' | 'ask' = 'left') => ({
  id,
  left: `l-${id}`,
  right: `r-${id}`,
  direction: 'both' as const,
  conflict,
})

it('gives a patch that turns any version into any other', () => {
  const lists = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
  const version = fc
    .tuple(lists, fc.constantFrom('left', 'right', 'ask'), fc.option(fc.constantFrom('x', 'y/~z')), fc.nat(9))
    .map(([ids, conflict, reference, count]) =>
      configuration(
        ids.map((id) => field(id, conflict as 'left')),
        {
          left: { endpointId, entityType: 'defect', crossReference: reference },
          brake: { changes: { count, share: 0.2 }, deletions: { count, share: 0.01 } },
        },
      ),
    )
  fc.assert(
    fc.property(version, version, (before, after) => {
      const { patch, words } = configurationDifference(before, after)
      const plain = JSON.parse(JSON.stringify(after)) as unknown
      expect(applied(before, patch)).toEqual(plain)
      // An order of mappings means nothing to people.
      if (patch.some((step) => step.path !== '/fields')) expect(words).not.toEqual([])
    }),
  )
})

it('says in words what changed, mapping by mapping', () => {
  const before = configuration([field('a'), field('b')])
  const after = configuration([{ ...field('a', 'ask'), values: [{ left: 'x', right: 'y' }] }, field('c')], {
    rules: { toRight: { create: true, update: true, delete: 'delete' }, toLeft: { create: true, update: true } },
  })
  expect(configurationDifference(before, after)).toMatchObject({
    words: [
      'Field mapping "a": conflict was "left" and is "ask".',
      'Field mapping "a": values has {"left":"x","right":"y","direction":"both"} now.',
      'Field mapping "c" is new: l-c <-> r-c.',
      'Field mapping "b" is gone: it was l-b <-> r-b.',
      'Rules: toRight.delete was "nothing" and is "delete".',
    ],
  })
  expect(configurationDifference(before, before)).toEqual({ patch: [], words: [] })
})
