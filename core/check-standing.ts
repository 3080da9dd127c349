import type { LinkConfiguration } from './link-config.ts'
import { listed } from './listed.ts'
import type { FieldMetadata } from './metadata.ts'
import { type CompareAndSet, compareAndSetWords } from './overwrite-guard.ts'
import type { Finding } from './run.ts'
import { flowsTo, type Side, sides } from './values.ts'

/**
 * Whether somebody may do something: `own`: with records of their own only; `not-refused`: the endpoint does not tell, but a
 * request that could not succeed was refused for another reason; `unknown`: the endpoint does not tell.
 */
export type Held = 'yes' | 'own' | 'no' | 'not-refused' | 'unknown'

const standingActions = ['read', 'create', 'update', 'delete', 'lock'] as const
export type StandingAction = (typeof standingActions)[number]

/** How the integration user stands towards one of an endpoint's own types, and what its records set off. */
export interface TypeStanding {
  /** In the endpoint's own words. */
  entityType: string
  label: string
  may: Readonly<Record<StandingAction, Held>>
  /** Names of fields that the user may not modify. */
  frozen: readonly string[]
  /** Roles or groups of the user; empty: not told. */
  roles: readonly string[]
  /** Records that the user sees. */
  visible: number
  /** Types below which its records may stand; null: anywhere, or not told. */
  standsUnder: readonly string[] | null
  /** What the endpoint does by itself when a record is written; null: it does not tell. */
  reacts: Readonly<Record<'mails' | 'rules' | 'workflow', boolean | null>>
}

export interface StandingInput {
  configuration: LinkConfiguration
  side: Side
  standings: readonly TypeStanding[]
  compareAndSet: CompareAndSet
  /** The side's field of a name, as its endpoint describes it. */
  field(name: string): FieldMetadata | undefined
}

/** What the integration user of a side may do, measured by what the link is to do there. */
export function checkStanding(input: StandingInput): Finding[] {
  const { configuration, side, compareAndSet } = input
  const standings = linkedTypes(input)
  const pointer = `/${side}/endpointId`
  const needed = neededActions(configuration, side, compareAndSet)
  const findings: Finding[] = []
  const add = (severity: Finding['severity'], message: string, remedy: string | null, at: string = pointer) =>
    findings.push({ check: 'permissions', severity, side, message, remedy, pointer: at, records: null })
  for (const { label, may, frozen, roles } of standings) {
    const who = roles.length === 0 ? 'The integration user' : `The integration user (${roles.join(', ')})`
    const lacking = needed.filter((action) => may[action] === 'no')
    if (lacking.length > 0)
      add(
        'error',
        `${who} may not ${listed(lacking)} records of type "${label}".`,
        `Give it a role or group that may, or switch ${lacking.includes('read') ? 'the link' : 'those rules'} off.`,
      )
    const own = needed.filter((action) => may[action] === 'own')
    if (own.length > 0)
      add(
        'error',
        `${who} may ${listed(own)} only its own records of type "${label}"; those of other people would be refused.`,
        'Lift the restriction to the owner from its group.',
      )
    for (const [index, mapping] of configuration.fields.entries()) {
      const name = mapping[side]
      if (name === null || !frozen.includes(name) || !needed.includes('update') || !flowsTo(mapping, side)) continue
      const field = input.field(name)
      // What nobody may write is told by the check of the mapping.
      if (mapping.createOnly || field?.editable !== true) continue
      add(
        'error',
        `${who} may not modify the field "${field.label}" of type "${label}".`,
        'Let its group modify the field, or map it in the other direction only.',
        `/fields/${index}/direction`,
      )
    }
    const silent = needed.filter((action) => may[action] === 'unknown')
    if (silent.length > 0)
      add(
        'info',
        `The endpoint does not tell whether the integration user may ${listed(silent)} records of type "${label}". A refusal becomes an issue of its record.`,
        null,
      )
  }
  if (findings.some((finding) => finding.severity === 'error')) return findings
  const tried = standings.some((one) => needed.some((action) => one.may[action] === 'not-refused'))
  const labels = [...new Set(standings.map((one) => `"${one.label}"`))].join(', ')
  const known = needed.filter((action) => standings.every((one) => one.may[action] !== 'unknown'))
  const ok: Finding = {
    check: 'permissions',
    severity: 'ok',
    side,
    message: `The integration user may ${listed(known)} records of type ${labels}${tried ? ', as far as requests tell that cannot succeed' : ''}.`,
    remedy: null,
    pointer: null,
    records: null,
  }
  return known.length === 0 ? findings : [ok, ...findings]
}

/**
 * What writing sets off in an endpoint: mails, rules, workflow, and webhooks of which no endpoint tells. `writes`: how many
 * records the first run may create there; null: none, or not counted.
 */
export function checkReactions(input: StandingInput, writes: number | null): Finding[] {
  const { configuration, side } = input
  if (!neededActions(configuration, side, input.compareAndSet).some((action) => action !== 'read')) return []
  const standings = linkedTypes(input)
  const of = (what: keyof TypeStanding['reacts']) => standings.filter((one) => one.reacts[what] === true)
  const labels = (rows: readonly TypeStanding[]) => rows.map((one) => `"${one.label}"`).join(', ')
  const first = writes === null || writes === 0 ? '' : ` The first run may create up to ${writes} records there.`
  const findings: Finding[] = []
  const add = (check: string, message: string, remedy: string) =>
    findings.push({ check, severity: 'info', side, message, remedy, pointer: null, records: writes })
  if (of('mails').length > 0)
    add(
      'mails',
      `Records of type ${labels(of('mails'))} send mails by the endpoint's own rules when they are written.${first}`,
      'Switch such mails off for the integration user, or for the time of the first run.',
    )
  else if (standings.some((one) => one.reacts.mails === null))
    add(
      'mails',
      `The endpoint does not tell whether it sends mails by itself when records of type ${labels(standings)} are written.${first}`,
      'Ask its administrators, and switch such mails off for the time of the first run.',
    )
  if (of('rules').length > 0)
    add(
      'business-rules',
      `Business rules may hold for records of type ${labels(of('rules'))}: they can require more fields, refuse changes, set fields and call addresses. The endpoint does not tell which there are.${first}`,
      'Look at the rules of these types; exempt the integration user where a rule is meant for people, and switch calls of addresses off for the time of the first run.',
    )
  if (of('workflow').length > 0)
    add(
      'workflow',
      `Records of type ${labels(of('workflow'))} have a workflow, which may refuse steps that the other side allows. A refused step is an issue of its record.`,
      'Allow the integration user all transitions, or map those values one way.',
    )
  return findings
}

/** Where records of each type may stand, as the endpoint tells, against the type pairs that the link puts above each other. */
export function checkHierarchy({ configuration, side, standings }: StandingInput): Finding[] {
  const findings: Finding[] = []
  const under = new Map(standings.map((one) => [one.entityType, one.standsUnder]))
  const labelOf = (type: string) => standings.find((one) => one.entityType === type)?.label ?? type
  for (const [index, type] of configuration.types.entries()) {
    const own = type[side].default
    const allowed = under.get(own) ?? null
    const add = (message: string, remedy: string, at: string) =>
      findings.push({
        check: 'hierarchy',
        severity: 'error',
        side,
        message,
        remedy,
        pointer: `/types/${index}/${at}`,
        records: null,
      })
    if (allowed === null || allowed.length === 0) continue
    for (const [position, parent] of type.parents.entries()) {
      const above = configuration.types.find((one) => one.id === parent)
      if (above === undefined || allowed.includes(above[side].default)) continue
      add(
        `A record of type "${labelOf(own)}" cannot stand below one of type "${labelOf(above[side].default)}".`,
        'Correct the type pairs that may stand above it.',
        `parents/${position}`,
      )
    }
    const rootTypes = allowed.filter((one) => one.endsWith('_root'))
    if (type.underRoot && rootTypes.length === 0)
      add(
        `A record of type "${labelOf(own)}" cannot stand directly below the root.`,
        'Say that it stands below another type pair only.',
        'underRoot',
      )
    if (!type.underRoot && type.parents.length === 0 && writesTo(configuration, side))
      add(
        `New records of type "${labelOf(own)}" can stand nowhere: no type pair may stand above it, nor may the root.`,
        'Name the type pairs that may stand above it, or let it stand below the root.',
        'parents',
      )
  }
  return findings
}

function writesTo(configuration: LinkConfiguration, side: Side): boolean {
  return neededActions(configuration, side, 'native').includes('create')
}

/** Standings of the types that the link keeps in step. */
function linkedTypes({ configuration, side, standings }: StandingInput): readonly TypeStanding[] {
  const wanted = new Set(configuration.types.flatMap((type) => type[side].values))
  const named = standings.filter((one) => wanted.has(one.entityType))
  return named.length === 0 ? standings : named
}

/** What the link's rules make it do with records of a side. */
function neededActions(configuration: LinkConfiguration, side: Side, compareAndSet: CompareAndSet): StandingAction[] {
  const all = [configuration.rules, ...configuration.types.flatMap((type) => type.rules ?? [])]
  const of = (to: Side) => all.map((rules) => rules[to === 'right' ? 'toRight' : 'toLeft'])
  const here = of(side)
  // The reference is written back on the side that a record came from.
  const back =
    configuration[side].crossReference !== null && of(side === 'left' ? 'right' : 'left').some((one) => one.create)
  const needs: Record<StandingAction, boolean> = {
    read: true,
    create: here.some((one) => one.create),
    update: here.some((one) => one.update) || back,
    delete: here.some((one) => one.delete === 'delete'),
    lock: compareAndSet === 'lock' && (here.some((one) => one.update) || back),
  }
  return standingActions.filter((action) => needs[action])
}

/** How writes are kept from overwriting people, in words; a warning where a window stays open. */
export function checkOverwriting(
  configuration: LinkConfiguration,
  guards: Readonly<Record<Side, CompareAndSet>>,
): Finding[] {
  return sides
    .filter((side) => neededActions(configuration, side, guards[side]).includes('update'))
    .map((side) => ({
      check: 'overwriting',
      severity: guards[side] === 're-read' ? ('warning' as const) : ('ok' as const),
      side,
      message: `Writing here: ${compareAndSetWords[guards[side]]}.`,
      remedy:
        guards[side] === 're-read' ? 'Set writes to "lock" where each edit of people counts more than speed.' : null,
      pointer: guards[side] === 're-read' ? '/tuning/writes' : null,
      records: null,
    }))
}
