import type { JWK } from 'jose'
import type { z } from 'zod'
import type { EndpointAddress, Place } from '../../core/endpoint.ts'
import { entityTypes } from '../../core/link-kinds.ts'
import type { SideMetadata } from '../../core/metadata.ts'
import { loadEndpointLoads } from '../../db/batch-slots.ts'
import { listBridges } from '../../db/bridges.ts'
import { DatabaseError } from '../../db/connection.ts'
import {
  createEndpoint,
  deleteEndpoint,
  type EndpointRow,
  endpointHasPairs,
  getEndpoint,
  listEndpoints,
  markEndpointTested,
  updateEndpoint,
} from '../../db/endpoints.ts'
import type { address, connectionReport, secret } from '../contract/schemas.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { sealSecret } from '../seal.ts'
import { askEndpoint } from './ask.ts'
import { reviewHandlers } from './review.ts'
import type { Dependencies, Handlers } from './types.ts'

type Report = z.infer<typeof connectionReport>

export function endpointHandlers(
  dependencies: Dependencies,
): Pick<
  Handlers,
  | 'listEndpoints'
  | 'createEndpoint'
  | 'getEndpoint'
  | 'changeEndpoint'
  | 'deleteEndpoint'
  | 'testEndpoint'
  | 'describeEndpoint'
  | 'reviewEndpoints'
  | 'listPlaces'
> {
  const { database, bridgeId } = dependencies

  async function seal(plain: z.infer<typeof secret>): Promise<Record<string, string>> {
    const bridge = (await listBridges(database)).find((one) => one.id === bridgeId)
    if (bridge === undefined)
      throw new ApiProblem(409, 'no-bridge', 'There is no bridge to seal the secret for.', {
        remedy: 'Start the bridge once, so that its public key is known.',
      })
    return { [bridgeId]: await sealSecret(bridge.publicKey as JWK, bridgeId, plain) }
  }

  /** Tries a connection before anything is saved. */
  function tryOut(name: string, at: EndpointAddress, sealed: string): Promise<Report> {
    return askEndpoint<Report>(dependencies, {
      kind: 'test-connection',
      endpoint: { unsaved: unsaved(name, at, sealed) },
    })
  }

  /** An id of its own: a session opened with what may be wrong must never be taken for the saved endpoint's. */
  function unsaved(name: string, address: EndpointAddress, sealedSecret: string) {
    return { id: crypto.randomUUID(), name, address, sealedSecret, revision: 1 }
  }

  async function withLoad(rows: readonly EndpointRow[]) {
    const loads = await loadEndpointLoads(database)
    return rows.flatMap((row) => {
      // One that was deleted meanwhile is not shown.
      const load = loads.get(row.id)
      return load === undefined ? [] : [{ ...row, load }]
    })
  }

  async function existing(id: string) {
    const found = await getEndpoint(database, id)
    const [shown] = await withLoad(found === null ? [] : [found])
    if (shown === undefined) throw notFound('endpoint', id)
    return shown
  }

  return {
    ...reviewHandlers(dependencies),
    listEndpoints: async () => ({ items: await withLoad(await listEndpoints(database)) }),
    getEndpoint: ({ params }) => existing(params.id),

    createEndpoint: async ({ body }, { actor }) => {
      const at = normalized(body.address)
      const sealed = await seal(body.secret)
      const testReport = body.test ? await tryOut(body.name, at, sealed[bridgeId] ?? '') : null
      const id = await nameTaken('/name', body.name, () =>
        createEndpoint(database, { name: body.name, address: at, sealed, testReport, actor }),
      )
      return existing(id)
    },

    changeEndpoint: async ({ params, body }, { actor }) => {
      const before = await existing(params.id)
      const at = body.address === undefined ? undefined : normalized(body.address)
      if (at !== undefined) {
        const fixed = at.kind !== before.kind || (await endpointHasPairs(database, params.id))
        if (fixed && placeOf(at) !== placeOf(before.address))
          throw new ApiProblem(
            409,
            'place-fixed',
            at.kind === before.kind
              ? 'Records of this endpoint are paired already, so it stays with its project.'
              : 'An endpoint stays with its product.',
            {
              remedy: 'Add another endpoint for the other project; only address, name and secret can be changed here.',
              errors: [{ pointer: '/address', message: 'names another project or workspace' }],
            },
          )
        // Else whoever may change an address could have the saved secret sent to a server of theirs.
        if (body.secret === undefined && new URL(at.url).origin !== new URL(before.address.url).origin)
          throw new ApiProblem(422, 'secret-needed', 'Another server gets no secret that was entered for this one.', {
            remedy: 'Enter the password or API key together with the new address.',
            errors: [{ pointer: '/secret', message: 'is needed with an address on another server' }],
          })
      }
      const sealed = body.secret === undefined ? undefined : await seal(body.secret)
      const testReport =
        !body.test || (at === undefined && sealed === undefined)
          ? null
          : sealed === undefined
            ? await askEndpoint<Report>(dependencies, {
                kind: 'test-connection',
                endpoint: { id: params.id, ...(at === undefined ? {} : { address: at }) },
              })
            : await tryOut(before.name, at ?? before.address, sealed[bridgeId] ?? '')
      const change = {
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(at === undefined ? {} : { address: at }),
        ...(sealed === undefined ? {} : { sealed }),
        ...(body.maxBatches === undefined ? {} : { maxBatches: body.maxBatches }),
      }
      if (Object.keys(change).length === 0) return before
      await nameTaken('/name', body.name ?? before.name, () => updateEndpoint(database, params.id, change, actor))
      if (testReport !== null) await markEndpointTested(database, params.id, testReport)
      return existing(params.id)
    },

    deleteEndpoint: async ({ params }, { actor }) => {
      const before = await existing(params.id)
      if (!(await deleteEndpoint(database, params.id, actor)))
        throw new ApiProblem(
          409,
          'in-use',
          `The endpoint "${before.name}" is used${before.links.length === 0 ? ' by the pairs of a deleted link' : ` by ${before.links.map((one) => `"${one.name}"`).join(', ')}`}.`,
          {
            remedy: 'Endpoints that links have used are kept, so that their pairs and history stay readable.',
          },
        )
      return null
    },

    testEndpoint: async ({ params }) => {
      await existing(params.id)
      const report = await askEndpoint<Report>(dependencies, { kind: 'test-connection', endpoint: { id: params.id } })
      await markEndpointTested(database, params.id, report)
      return report
    },

    listPlaces: async ({ body }) => {
      const url = body.url.replace(/\/+$/, '')
      // The address of a server alone; nothing is asked of the place in it.
      const at: EndpointAddress =
        body.kind === 'alm'
          ? { kind: 'alm', url, domain: '', project: '' }
          : { kind: 'octane', url, sharedSpace: '', workspace: '' }
      const sealed = (await seal(body.secret))[bridgeId] ?? ''
      const { items } = await askEndpoint<{ items: Place[] }>(dependencies, {
        kind: 'places',
        endpoint: { unsaved: unsaved(url, at, sealed) },
      })
      return { items }
    },

    describeEndpoint: async ({ params, query }) => {
      const { kind } = await existing(params.id)
      const { entity } = await askEndpoint<SideMetadata>(dependencies, {
        kind: 'describe',
        endpoint: { id: params.id },
        entityType: entityTypes[query.entityType][kind],
      })
      return {
        entityType: entity.entityType,
        recordTypes: entity.recordTypes?.types.map(({ value, label }) => ({ value, label })) ?? null,
        fields: entity.fields.map((field) => ({
          name: field.name,
          label: field.label,
          type: field.type,
          multiple: field.multiple,
          required: field.required,
          editable: field.editable,
          maxLength: field.maxLength,
          userDefined: field.userDefined,
          values: field.options === null ? null : field.options.map(({ value, label }) => ({ value, label })),
        })),
      }
    },
  }
}

/** Addresses as people paste them: without trailing slashes. */
function normalized(at: z.infer<typeof address>): EndpointAddress {
  return { ...at, url: at.url.replace(/\/+$/, '') }
}

function placeOf(at: EndpointAddress): string {
  return at.kind === 'alm' ? `alm ${at.domain}/${at.project}` : `octane ${at.sharedSpace}/${at.workspace}`
}

/** Runs a write and words the violation of a unique name. */
export async function nameTaken<T>(pointer: string, name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '23505')
      throw new ApiProblem(409, 'name-taken', `The name "${name}" is taken.`, {
        remedy: 'Choose another name.',
        errors: [{ pointer, message: 'is taken' }],
      })
    throw error
  }
}
