import { randomBytes } from 'node:crypto'
import { getLink } from '../../db/links.ts'
import { getWebhook, removeWebhook, saveWebhook, type WebhookRow } from '../../db/webhooks.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { hashToken } from '../webhooks.ts'
import type { Dependencies, Handlers } from './types.ts'

/** 256 random bits, safe in an address. */
const fresh = () => randomBytes(32).toString('base64url')

/** The address at which a link takes hints, and what came there. Address and secret are shown once, as they are made. */
export function webhookHandlers({
  database,
}: Dependencies): Pick<Handlers, 'saveWebhook' | 'getWebhook' | 'deleteWebhook'> {
  async function existing(linkId: string): Promise<WebhookRow> {
    if ((await getLink(database, linkId)) === null) throw notFound('link', linkId)
    const found = await getWebhook(database, linkId)
    if (found === null) throw none()
    return found
  }

  const none = () =>
    new ApiProblem(404, 'no-webhook', 'The link has no address for hints.', {
      remedy: 'Create one: tandem link webhook <link>.',
    })
  const shown = ({ tokenEnd, ...row }: WebhookRow) => ({ ...row, address: `/webhooks/…${tokenEnd}` })

  return {
    saveWebhook: async ({ params, body }, { actor }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      const token = fresh()
      const secret = body.signed ? fresh() : null
      await saveWebhook(database, {
        linkId: params.id,
        tokenHash: hashToken(token),
        tokenEnd: token.slice(-4),
        secret,
        actor,
      })
      return { ...shown(await existing(params.id)), address: `/webhooks/${token}`, secret }
    },
    getWebhook: async ({ params }) => shown(await existing(params.id)),
    deleteWebhook: async ({ params }, { actor }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      if (!(await removeWebhook(database, params.id, actor))) throw none()
      return null
    },
  }
}
