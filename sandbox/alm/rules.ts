import { type AlmFieldModel, type AlmSubtype, type AlmTypeModel, almTransitions, almTypes } from './model.ts'
import type { AlmLists } from './picklists.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStored, AlmUser, AlmWriter } from './store.ts'
import type { AlmSwitchValues } from './switches.ts'

/** What the rules need to know of the project. */
export interface AlmProject {
  readonly switches: AlmSwitchValues
  readonly users: readonly AlmUser[]
  readonly lists: AlmLists
  rows(type: string): ReadonlyMap<number, AlmRecord>
}

/** Values of a field as they came: none, one or several, where one text may hold several. */
export function valuesOf(field: AlmFieldModel | undefined, value: AlmStored): readonly string[] {
  const given = Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [value as string]
  return field?.multiple === true ? given.flatMap((one) => one.split(';')).map((one) => one.trim()) : given
}

/** What ALM checks before it writes a record. */
export class AlmRules {
  readonly #project: AlmProject

  constructor(project: AlmProject) {
    this.#project = project
  }

  /** The fields that are written, each for itself; returns those that count. */
  checkBody(model: AlmTypeModel, body: AlmRecord, writer: AlmWriter, before: AlmRecord | null): AlmRecord {
    const counting: AlmRecord = {}
    const subtype = subtypeOf(model, typeof body['type-id'] === 'string' ? body : (before ?? body))
    for (const [name, value] of Object.entries(body)) {
      const field = model.fields.find((candidate) => candidate.name === name)
      if (field === undefined || (field.internal === true && writer.via === 'rest' && writer.trusted !== true))
        throw new AlmRefusal(
          400,
          'qccore.unknown-field-name',
          `The field '${name}' does not exist in entity '${model.name}'`,
        )
      if (writer.via !== 'rest' || writer.trusted === true) {
        counting[name] = value
        continue
      }
      // A version stamp is taken and ignored: it is no optimistic lock.
      if (name === 'ver-stamp' || (name === 'id' && before !== null)) continue
      const values = valuesOf(field, value)
      if (subtype?.without?.includes(name) === true && values.some((one) => one !== ''))
        throw new AlmRefusal(
          400,
          'qccore.unknown-field-name',
          `The field '${field.label}' does not exist in type '${subtype.name}' of entity '${model.name}'`,
        )
      if (field.served === true) {
        if (this.#project.switches.readOnlyFields === 'ignore' || values.every((one) => one === '')) continue
        throw new AlmRefusal(403, 'qccore.operation-forbidden', `The field '${field.label}' is read-only`)
      }
      if (values.length > 1 && field.multiple !== true)
        throw new AlmRefusal(500, 'qccore.general-error', `The field '${field.label}' does not support several values`)
      for (const one of values) this.#checkValue(model, field, one)
      if (name === 'status' && this.#project.switches.workflow === 'enforced')
        this.#checkTransition(String(before?.status ?? ''), values[0] ?? '', field)
      counting[name] = value
    }
    return counting
  }

  #checkValue(model: AlmTypeModel, field: AlmFieldModel, value: string): void {
    if (value === '') return
    const wrongType = () => {
      throw new AlmRefusal(
        400,
        'qccore.invalid-value-type-for-field',
        `Invalid value '${value.slice(0, 60)}' for field '${field.label}' of type ${field.type}`,
      )
    }
    switch (field.type) {
      case 'String':
        if (field.size > 0 && value.length > field.size)
          throw new AlmRefusal(
            400,
            'qccore.general-error',
            `The value of field '${field.label}' exceeds the maximum length of ${field.size}`,
          )
        return
      case 'Number':
        if (!/^-?\d+$/.test(value)) wrongType()
        return
      case 'Date':
        if (!isDay(value)) wrongType()
        return
      case 'DateTime':
        if (!/^.{10} (?:[01]\d|2[0-3])(?::[0-5]\d){2}$/.test(value) || !isDay(value.slice(0, 10))) wrongType()
        return
      case 'LookupList': {
        if (field.multiple === true && value.includes(','))
          throw new AlmRefusal(500, 'qccore.general-error', 'begin 0, end -1, length 0')
        if (field.verify !== true) return
        if (
          this.#project.lists.named(field.list) !== undefined &&
          !this.#project.lists.values(field.list).includes(value)
        )
          throw new AlmRefusal(
            400,
            'qccore.invalid-list-field-value',
            `The value '${value}' is not in the list of field '${field.label}'`,
          )
        return
      }
      case 'UsersList':
        if (
          field.verify === true &&
          !this.#project.users.some((user) => user.name.toLowerCase() === value.toLowerCase())
        )
          throw new AlmRefusal(
            400,
            'qccore.invalid-list-field-value',
            `The user '${value}' of field '${field.label}' does not exist`,
          )
        return
      case 'Reference': {
        if (!/^-?\d+$/.test(value)) {
          if (field.multiple === true)
            throw new AlmRefusal(
              500,
              'qccore.general-error',
              `${field.name} field should contain only numbers, given '${value}'`,
            )
          wrongType()
        }
        if (field.name === 'type-id' && model.subtypes?.some((one) => String(one.id) === value) === false)
          throw new AlmRefusal(
            500,
            'qccore.general-error',
            `Entity with key '${value}' does not exist in table 'REQ_TYPE'`,
          )
        const target = almTypes.find((type) => type.name === field.target)
        if (target !== undefined && !this.#project.rows(target.name).has(Number(value)))
          throw new AlmRefusal(
            500,
            'qccore.general-error',
            `Entity with key '${value}' does not exist in table '${target.table}'`,
          )
        return
      }
      default:
    }
  }

  #checkTransition(from: string, to: string, field: AlmFieldModel): void {
    if (from === to || (almTransitions[from] ?? []).includes(to)) return
    throw new AlmRefusal(
      Number(this.#project.switches.workflowStatus),
      'qccore.operation-forbidden',
      `The transition of field '${field.label}' from '${from}' to '${to}' is not allowed`,
    )
  }

  checkRequired(model: AlmTypeModel, record: AlmRecord): void {
    const subtype = subtypeOf(model, record)
    for (const field of model.fields) {
      const required = field.required === true || field.needed === true || subtype?.requires?.includes(field.name)
      if (required !== true) continue
      const value = record[field.name]
      if (value === null || value === '' || value === undefined)
        throw new AlmRefusal(400, 'qccore.required-field-missing', `The field '${field.label}' is required.`)
    }
  }

  checkDates(model: AlmTypeModel, record: AlmRecord): void {
    const [start, end] = [String(record['start-date'] ?? ''), String(record['end-date'] ?? '')]
    if (start === '' || end === '') return
    if (start > end) throw new AlmRefusal(500, 'qccore.general-error', 'The start date is after the end date')
    if (model.name === 'release')
      for (const cycle of this.#project.rows('release-cycle').values())
        if (
          record.id !== null &&
          cycle['parent-id'] === record.id &&
          (String(cycle['start-date']) < start || String(cycle['end-date']) > end)
        )
          throw new AlmRefusal(500, 'qccore.general-error', 'The dates of a cycle are outside the dates of its release')
    if (model.name !== 'release-cycle') return
    const release = this.#project.rows('release').get(Number(record['parent-id']))
    if (release !== undefined && (start < String(release['start-date']) || end > String(release['end-date'])))
      throw new AlmRefusal(500, 'qccore.general-error', 'The dates of the cycle are outside the dates of its release')
  }
}

function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

function subtypeOf(model: AlmTypeModel, record: AlmRecord): AlmSubtype | undefined {
  return model.subtypes?.find((one) => String(one.id) === record['type-id'])
}
