import { z } from 'zod'

const almAddress = z.strictObject({
  kind: z.literal('alm'),
  /** `https://host:port/qcbin` */
  url: z.url({ protocol: /^https?$/, error: 'must be an address such as https://alm.example.com:8443/qcbin' }),
  domain: z.string().min(1),
  project: z.string().min(1),
})

const octaneAddress = z.strictObject({
  kind: z.literal('octane'),
  /** `https://host:port` */
  url: z.url({ protocol: /^https?$/, error: 'must be an address such as https://octane.example.com' }),
  sharedSpace: z.string().regex(/^\d+$/, 'must be the number of the shared space, such as 1001'),
  workspace: z.string().regex(/^\d+$/, 'must be the number of the workspace, such as 1002'),
})

/** Where an endpoint is. It holds no secret and may be shown. */
export const endpointAddress = z.discriminatedUnion('kind', [almAddress, octaneAddress])
export type EndpointAddress = z.infer<typeof endpointAddress>
export type AlmAddress = z.infer<typeof almAddress>
export type OctaneAddress = z.infer<typeof octaneAddress>

/** A project or workspace that somebody may open, with its name for people. */
export interface Place {
  name: string
  address: EndpointAddress
}

/** What signs in. Only a bridge ever holds this in clear; everywhere else it is a sealed JWE. */
export const credentialSecret = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('password'), user: z.string().min(1), password: z.string() }),
  z.strictObject({ kind: z.literal('api-key'), clientId: z.string().min(1), clientSecret: z.string().min(1) }),
])
export type CredentialSecret = z.infer<typeof credentialSecret>

/**
 * The name under which a record is known elsewhere: `DEFAULT/Sync/defect/41`, `1001/1002/defect/2007`. It names its origin,
 * so that records of several projects never meet in one number.
 */
export function crossReference(address: EndpointAddress, entityType: string, id: string): string {
  return `${crossReferencePrefix(address, entityType)}${id}`
}

export function crossReferencePrefix(address: EndpointAddress, entityType: string): string {
  const place =
    address.kind === 'alm' ? `${address.domain}/${address.project}` : `${address.sharedSpace}/${address.workspace}`
  return `${place}/${entityType}/`
}

/** What an endpoint is called in the banners of comments that come from it: told by its place, since names are given anew. */
export function commentOrigin(address: EndpointAddress): string {
  return address.kind === 'alm'
    ? `ALM ${address.domain}/${address.project}`
    : `Octane ${address.sharedSpace}/${address.workspace}`
}

/** The id that a cross-reference names in the given endpoint, or null when it names another place or is no reference. */
export function referencedId(address: EndpointAddress, entityType: string, reference: unknown): string | null {
  if (typeof reference !== 'string') return null
  const prefix = crossReferencePrefix(address, entityType)
  if (!reference.startsWith(prefix)) return null
  const id = reference.slice(prefix.length)
  return /^\d+$/.test(id) ? id : null
}
