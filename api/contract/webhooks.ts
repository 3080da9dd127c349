import { z } from 'zod'

export const saveWebhook = z
  .strictObject({
    signed: z.boolean().default(false).meta({ description: 'Makes a secret too: signed hints also name their record' }),
  })
  .meta({ id: 'SaveWebhook' })

const seen = {
  signed: z.boolean(),
  createdBy: z.string(),
  createdAt: z.string(),
  received: z.int(),
  refused: z.int().meta({ description: 'Hints with a wrong signature' }),
  lastReceivedAt: z.string().nullable(),
}

export const webhook = z
  .object({
    address: z.string().meta({ description: 'Path on this server, of its unguessable part only the end' }),
    ...seen,
  })
  .meta({ id: 'Webhook' })

export const createdWebhook = z
  .object({
    address: z.string().meta({ description: 'Path on this server, whole; it is not shown again' }),
    secret: z.string().nullable().meta({ description: 'Key of the HMAC-SHA256 signatures; it is not shown again' }),
    ...seen,
  })
  .meta({ id: 'CreatedWebhook' })
export type CreatedWebhookView = z.infer<typeof createdWebhook>
