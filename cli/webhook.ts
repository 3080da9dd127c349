import type { Command } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime } from './output.ts'

/** `tandem link webhook`: where Octane's rule "Call URL" may say that something has changed. */
export function webhookCommand(program: Command, context: () => Context): void {
  program.commands
    .find((one) => one.name() === 'link')
    ?.command('webhook <link>')
    .description('make an address for hints of changes, in place of the one before; it is shown once')
    .option('--signed', 'with a secret for signatures (x-tandem-signature): signed hints also name their record')
    .option('--show', 'what came at the address so far')
    .option('--remove', 'take the address away')
    .action(async (which: string, options: { signed?: boolean; show?: boolean; remove?: boolean }) => {
      if ([options.signed, options.show, options.remove].filter((one) => one === true).length > 1)
        throw new Error('--signed, --show and --remove do not go together: give one of them.')
      const { api, output } = context()
      const link = await findLink(context(), which)
      const params = { id: link.id }
      if (options.remove === true) {
        await api.call('deleteWebhook', { params })
        output.show({ removed: link.id }, () => `${link.name} takes no hints any more.`)
      } else if (options.show === true)
        output.show(await api.call('getWebhook', { params }), (one) =>
          [
            `${link.name}: ${one.address}, ${one.signed ? 'signed' : 'not signed'}, made ${localTime(one.createdAt)} by ${one.createdBy}`,
            `  ${one.received} received${one.lastReceivedAt === null ? '' : `, the last ${localTime(one.lastReceivedAt)}`}; ${one.refused} refused`,
          ].join('\n'),
        )
      else
        output.show(
          await api.call('saveWebhook', { params, body: { signed: options.signed === true } }),
          ({ address, secret }) =>
            [
              `Address for Octane's rule "Call URL": ${api.address}${address}`,
              ...(secret === null
                ? []
                : [
                    `Secret: ${secret}`,
                    'Sign the body with it: x-tandem-signature: sha256=<HMAC-SHA256 in hexadecimal>.',
                  ]),
              `${secret === null ? 'It is not' : 'Neither is'} shown again. An address that the link had before no longer works.`,
            ].join('\n'),
        )
    })
}
