import { describe, expect, it } from 'vitest'
import { checkConfiguration } from './check.ts'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'
import { type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'
import { createTranslator } from './translate.ts'

const field = (name: string, type: FieldMetadata['type']) => plainField(name, { type })
const side = (...fields: FieldMetadata[]): SideMetadata => ({
  entity: { entityType: 'defect', label: 'Defect', fields },
  users: [],
})

function findings(left: FieldMetadata['type'], right: FieldMetadata['type'], images: boolean) {
  const input: LinkConfigurationInput = {
    entityType: 'defect',
    left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
    right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
    rules: { toRight: { create: false, update: true }, toLeft: { create: false, update: true } },
    fields: [{ id: 'text', left: 'text', right: 'text', direction: 'both' }],
  }
  const configuration = linkConfiguration.parse(input)
  const sides = { left: side(field('text', left)), right: side(field('text', right)) }
  const translator = createTranslator({ configuration, ...sides, users: [] })
  return checkConfiguration({ configuration, ...sides, translator, images }).filter((one) => one.check === 'fidelity')
}

describe('the check of formatted text', () => {
  it('is content where everything survives', () => {
    expect(findings('memo', 'memo', true)).toMatchObject([{ severity: 'ok' }])
    expect(findings('string', 'string', false)).toMatchObject([{ severity: 'ok' }])
  })

  it('warns once of two memos whose images are not carried', () => {
    expect(findings('memo', 'memo', false)).toMatchObject([
      { severity: 'warning', side: null, pointer: '/fields/0', message: expect.stringContaining('Lost: image.') },
    ])
  })

  it('warns of a memo that becomes a plain text, naming what is lost', () => {
    const [warning, ...more] = findings('memo', 'string', true)
    expect(more).toEqual([])
    expect(warning).toMatchObject({ severity: 'warning', side: 'right' })
    expect(warning?.message).toMatch(/fidelity of 0\.\d\d\. Lost: .*table.*list/)
  })
})
