import type { LinkConfiguration } from './link-config.ts'
import type { Finding } from './run.ts'
import type { Refusal } from './store.ts'

/**
 * Rules of endpoints that no endpoint tells in advance: business rules, workflows, permissions. What they refuse now is what is
 * known of them.
 */
export function checkRefusals({ fields }: LinkConfiguration, refusals: readonly Refusal[]): Finding[] {
  return refusals.map(({ side, field, message, remedy, records }): Finding => {
    const index = side === null ? -1 : fields.findIndex((mapping) => mapping[side] === field)
    return {
      check: 'refusals',
      severity: 'warning',
      side,
      message: `${records === 1 ? 'A record is' : `${records} records are`} refused now: ${message}`,
      remedy,
      pointer: index < 0 ? '/fields' : `/fields/${index}`,
      records,
    }
  })
}
