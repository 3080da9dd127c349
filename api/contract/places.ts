import { z } from 'zod'
import type { RouteContract } from './routes.ts'
import { address, secret, serverUrl } from './schemas.ts'

const listPlaces = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('alm'), url: serverUrl('https://alm.example.com:8443/qcbin'), secret }),
    z.strictObject({ kind: z.literal('octane'), url: serverUrl('https://octane.example.com'), secret }),
  ])
  .meta({ id: 'ListPlaces' })

const places = z
  .object({
    items: z.array(
      z.object({
        name: z.string().meta({ description: 'Domain and project, or shared space and workspace, for people' }),
        address: address.meta({ description: 'As an endpoint takes it' }),
      }),
    ),
  })
  .meta({ id: 'Places' })

export const placeRoutes = {
  listPlaces: {
    method: 'post',
    path: '/places',
    summary: 'Projects or workspaces of a server that somebody who signs in may open; nothing is saved',
    tag: 'endpoints',
    body: listPlaces,
    status: 200,
    answer: places,
    codes: ['connection-failed', 'no-bridge', 'no-worker'],
  },
} as const satisfies Record<string, RouteContract>
