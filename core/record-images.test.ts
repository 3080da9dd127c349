import { describe, expect, it } from 'vitest'
import { type AttachmentEntry, attachmentsValue } from './attachments.ts'
import { type Base, canonicalVersion, toBaseValue } from './base.ts'
import { type FieldMapping, linkConfiguration } from './link-config.ts'
import { type FileAddresses, type ImageRouteInput, imageRoute } from './record-images.ts'

const mapping: FieldMapping = linkConfiguration.parse({
  entityType: 'defect',
  left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
  right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
  rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
  fields: [{ id: 'attachments', left: 'attachments', right: 'attachments', direction: 'both' }],
}).fields[0] as FieldMapping

const file = (id: string, name: string, size: number | null = 10): AttachmentEntry => ({
  id,
  name,
  size,
  stamp: '1',
  kind: 'file',
})
const record = (id: string, ...files: AttachmentEntry[]) => ({
  id,
  stamp: { version: 1, modified: null },
  fields: { attachments: attachmentsValue(files) },
})
const baseOf = (left: AttachmentEntry | null, right: AttachmentEntry | null): Base => ({
  attachments: {
    left: toBaseValue(null),
    right: toBaseValue(null),
    fingerprint: '',
    canonical: canonicalVersion,
    files: [{ left, right }],
  },
})
const addresses: FileAddresses = {
  left: (id, { name }) => `http://alm/qcbin/rest/domains/D/projects/P/defects/${id}/attachments/${name}`,
  right: (_id, { id, name }) => `/api/shared_spaces/1/workspaces/2/attachments/${id}/${name}`,
}
const octane = file('7', 'shot.png')
const alm = file('3', 'Shot.PNG')
const byId = (id: string, workspace = 2) => ({
  kind: 'attachment' as const,
  id,
  name: 'whatever.png',
  source: `/api/shared_spaces/1/workspaces/${workspace}/attachments/${id}/whatever.png`,
})
const byName = (name: string, record = '1') => ({
  kind: 'attachment' as const,
  id: null,
  name,
  source: `https://alm.example.org:8443/qcbin/rest/domains/D/projects/P/defects/${record}/attachments/${name}`,
})

const route = (more: Partial<ImageRouteInput>) =>
  imageRoute({
    from: 'right',
    ofFiles: [{ mapping, flows: { toLeft: true, toRight: true } }],
    base: {},
    records: { left: record('1'), right: record('2', octane) },
    attachments: { method: 'value', delete: 'nothing', maxBytes: 100 },
    addresses,
    ...more,
  })

describe('an attached image of a text', () => {
  it('is where its file was carried to, known by id or by its name in any case', () => {
    const base = baseOf(alm, octane)
    const records = { left: record('1', alm), right: record('2', octane) }
    expect(route({ base, records })(byId('7'))).toEqual({ address: addresses.left('1', alm) })
    const inProject = '/qcbin/rest/domains/D/projects/P/attachments/3?by-id=true'
    expect(route({ from: 'left', base, records })({ ...byName('3'), id: '3', name: null, source: inProject })).toEqual({
      address: addresses.right('2', octane),
    })
    expect(route({ from: 'left', base, records })(byName('shot.png'))).toEqual({
      address: addresses.right('2', octane),
    })
  })

  it('is awaited as long as its file is still to come, also where the other record is still to be created', () => {
    expect(route({})(byId('7'))).toBe('awaited')
    expect(route({ records: { right: record('2', octane) } })(byId('7'))).toBe('awaited')
  })

  it('is nowhere where its file is of another record, does not go there, is too large, or was left alone', () => {
    expect(route({})(byId('8'))).toBeNull()
    expect(route({})(byId('7', 3))).toBeNull()
    const base = baseOf(alm, octane)
    expect(
      route({ from: 'left', base, records: { left: record('1', alm), right: record('2', octane) } })(
        byName('shot.png', '9'),
      ),
    ).toBeNull()
    expect(route({ ofFiles: [{ mapping, flows: { toLeft: false, toRight: true } }] })(byId('7'))).toBeNull()
    expect(route({ records: { right: record('2', file('7', 'shot.png', 101)) } })(byId('7'))).toBeNull()
    expect(route({ base: baseOf(null, octane) })(byId('7'))).toBeNull()
    expect(route({ ofFiles: [] })(byId('7'))).toBeNull()
  })
})
