import { z } from 'zod'

const id = z.uuid()

export const verifyLedger = z
  .strictObject({
    link: id.optional().meta({ description: 'Only the chain of this link' }),
    seals: z
      .array(z.string().max(2_000))
      .max(2_000, 'takes at most 2000 seals: the newest of each chain say it all')
      .default([])
      .meta({ description: 'Seals kept elsewhere, one compact JWS each, beside those that the installation has' }),
  })
  .meta({ id: 'VerifyLedger' })

const chainReport = z
  .object({
    chain: z.string().meta({ description: '`site`, or `link:` and the id of a link' }),
    link: z.string().nullable().meta({ description: 'Name of the link' }),
    entries: z.int(),
    rows: z.int(),
    sealedUpTo: z.int().meta({ description: 'Entries up to here are covered by a seal' }),
    firstBreak: z.object({ seq: z.int(), rowId: id.nullable(), reason: z.string() }).nullable(),
  })
  .meta({ id: 'ChainReport' })

export const ledgerReport = z
  .object({
    intact: z.boolean(),
    seals: z.int(),
    unreadableSeals: z.int(),
    signatures: z
      .enum(['checked', 'no-keys'])
      .meta({ description: '`no-keys`: the public keys are not known here, so that seals are taken at their word' }),
    chains: z.array(chainReport),
  })
  .meta({ id: 'LedgerReport' })

export const sealKeys = z
  .object({
    keys: z
      .array(z.record(z.string(), z.unknown()))
      .meta({ description: 'Public keys of the installation as a JSON Web Key Set, Ed25519' }),
    seals: z.array(z.string()).meta({ description: 'Seals in the database, compact JWS, oldest first' }),
  })
  .meta({ id: 'LedgerSeals' })

const since = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-25T00:00:00Z' })

export const exportQuery = z.object({
  format: z.enum(['csv', 'jsonl']).default('csv'),
  link: id.optional(),
  from: since.optional().meta({ description: 'Not before this time' }),
  to: since.optional().meta({ description: 'Before this time' }),
  left: z.string().max(200).optional().meta({ description: 'Id of a record on the left side; needs `link`' }),
  right: z.string().max(200).optional().meta({ description: 'Id of a record on the right side; needs `link`' }),
  person: z.string().max(200).optional().meta({ description: 'Who gave the command or started the run' }),
  action: z.string().max(200).optional(),
})
