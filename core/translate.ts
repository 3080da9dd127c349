import type { FieldMapping, LinkConfiguration, TypePair } from './link-config.ts'
import { memoText, repointImages, textToMemo, unreadableMemo } from './memo.ts'
import { type FieldMetadata, type FieldOption, fieldByName, type SideMetadata } from './metadata.ts'
import { joinPeople, type People } from './people.ts'
import type { Problem } from './problems.ts'
import { fieldIdOf, noReferences, type References, recordIdOf } from './references.ts'
import type { ImageRoute } from './rich-text/images.ts'
import type { LinkContext } from './store.ts'
import { awaitedProblem, lostAsPlainText, notPlainProblem, strandedProblem, unreadableProblem } from './text-guard.ts'
import { type CanonicalValue, canonicalSet, flowsTo, otherSide, type Side } from './values.ts'

/** A value in the other side's canonical form, or why it has none there. A warning means: usable, but somebody should know. */
export type Translation = { ok: true; value: CanonicalValue; warning?: Problem } | { ok: false; problem: Problem }

export interface TranslationContext {
  configuration: Pick<LinkConfiguration, 'defaultUsers' | 'left' | 'right' | 'types' | 'unknownUsers'>
  left: SideMetadata
  right: SideMetadata
  users: LinkContext['users']
  /** The pair of types whose records are translated, where the link has several. */
  type?: TypePair
}

/** What is known of the records around the one that is translated. */
export interface Around {
  /** Twins of records that it refers to; absent: references go by name. */
  references?: References
  /** Where its attached images are on the other side; absent: a text that shows some cannot go there. */
  images?: ImageRoute
}

export interface Translator {
  /**
   * Translates a value of `from`'s field into the other side's field of the mapping. "No value" stays "no value", but for
   * the record above, which is the root then.
   */
  translate(mapping: FieldMapping, from: Side, value: CanonicalValue, around?: Around): Translation
  /** Whoever stands in on a side for people without twin: as the user mapping says, else as the configuration does. */
  standIn(side: Side): string | null
  /** Lines of the user mapping that name somebody who is not there. */
  unknownPairs: People['unknown']
  /** A formatted text that is no field of its own, such as a comment's, in the other side's form. */
  text(mapping: FieldMapping, from: Side, memo: string, around?: Around): Translation
}

/**
 * Builds the translator of a link: list values by the mapping's pairs, then by equal label; people by the admin's pairs,
 * then by e-mail, login and full name; references that can be listed (releases, sprints, teams) by unique name.
 * It never shortens, rounds or guesses: what has no faithful counterpart is a problem that names the value and the remedy.
 */
export function createTranslator(context: TranslationContext): Translator {
  const people = joinPeople({ left: context.left.users, right: context.right.users }, context.users)
  const labels = new Map<string, LabelIndex>()

  function labelIndex(side: Side, field: FieldMetadata): LabelIndex {
    const key = `${side}:${field.name}`
    const known = labels.get(key)
    if (known !== undefined) return known
    const index = indexLabels(field.options ?? [])
    labels.set(key, index)
    return index
  }

  function translate(mapping: FieldMapping, from: Side, value: CanonicalValue, around: Around = {}): Translation {
    const { references = noReferences, images } = around
    const to = otherSide(from)
    const source = mapping[from] === null ? undefined : fieldByName(context[from].entity, mapping[from])
    const target = mapping[to] === null ? undefined : fieldByName(context[to].entity, mapping[to])
    if (source === undefined || target === undefined) return unknownField(mapping, source === undefined ? from : to)
    if (source.hierarchy !== undefined && target.hierarchy !== undefined)
      return translateParent({
        mapping,
        from,
        to,
        source,
        target,
        item: value === null ? '' : String(value),
        references,
        images,
      })
    if (value === null) return { ok: true, value: null }
    const items = Array.isArray(value) ? (value as readonly string[]) : [value as string | number | boolean]
    if (items.length > 1 && !target.multiple)
      return fail(
        problemOf(mapping, to, target, {
          class: 'mapping',
          code: 'several-values',
          message: `"${source.label}" holds ${items.length} values, "${target.label}" can hold one.`,
          remedy: 'Map it to a field that takes several values, or in the other direction only.',
        }),
      )
    const translated: (string | number | boolean)[] = []
    let warning: Problem | undefined
    for (const item of items) {
      const one = translateOne({ mapping, from, to, source, target, item, references, images })
      if (!one.ok) return one
      if (one.warning !== undefined) warning = one.warning
      if (one.value !== null) translated.push(one.value as string | number | boolean)
    }
    const result: CanonicalValue = target.multiple ? canonicalSet(translated.map(String)) : (translated[0] ?? null)
    return warning === undefined ? { ok: true, value: result } : { ok: true, value: result, warning }
  }

  interface One {
    mapping: FieldMapping
    from: Side
    to: Side
    source: FieldMetadata
    target: FieldMetadata
    item: string | number | boolean
    references: References
    images: ImageRoute | undefined
  }

  function translateOne(one: One): Translation {
    const { source, target, item } = one
    if (source.type === 'user') return translateUser(one, String(item))
    if (source.type === 'memo') return translateMemo(one, String(item))
    const twin = translateReference(one)
    if (twin !== null) return twin
    const label = labelOf(one)
    if (target.type === 'list' || target.type === 'reference') return translateToOption(one, label)
    switch (target.type) {
      case 'string':
        return withinLength(one, label)
      case 'memo':
        return withinLength(one, textToMemo(label))
      case 'integer':
      case 'float': {
        const number = typeof item === 'number' ? item : Number(String(item).trim() === '' ? Number.NaN : item)
        if (!Number.isFinite(number) || (target.type === 'integer' && !Number.isInteger(number)))
          return notConvertible(one, label)
        return { ok: true, value: number }
      }
      case 'boolean': {
        if (typeof item === 'boolean') return { ok: true, value: item }
        if (/^(y|yes|true|1)$/i.test(label)) return { ok: true, value: true }
        if (/^(n|no|false|0)$/i.test(label)) return { ok: true, value: false }
        return notConvertible(one, label)
      }
      case 'date': {
        const date = /^\d{4}-\d{2}-\d{2}/.exec(String(item))?.[0]
        return date === undefined ? notConvertible(one, label) : { ok: true, value: date }
      }
      case 'datetime': {
        if (source.type === 'date') return { ok: true, value: `${String(item)}T12:00:00Z` }
        if (source.type === 'datetime' && String(item).endsWith('Z')) return { ok: true, value: String(item) }
        return notConvertible(one, label)
      }
      default:
        return notConvertible(one, label)
    }
  }

  /** A memo goes whole or not at all: its attached images point to their twins, and a plain text gets what is plain. */
  function translateMemo(one: One, memo: string): Translation {
    const { mapping, from, to, source, target, images } = one
    const way = { mappingId: mapping.id, to, source, target }
    const why = unreadableMemo(memo)
    if (why !== null) return fail(unreadableProblem(mapping.id, source, from, why))
    if (target.type === 'string') {
      const missed = lostAsPlainText(memo)
      return missed.length > 0 ? fail(notPlainProblem(way, missed)) : withinLength(one, memoText(memo))
    }
    if (target.type !== 'memo') return notConvertible(one, memoText(memo))
    const { canonical, stranded, awaited } = repointImages(memo, images ?? (() => null))
    const names = (some: typeof stranded) =>
      some.map((image) => (image.kind === 'attachment' ? image.name : null) ?? image.source ?? '')
    if (stranded.length > 0) return fail(strandedProblem(way, names(stranded)))
    return awaited.length > 0 ? fail(awaitedProblem(way, names(awaited))) : withinLength(one, canonical)
  }

  /** What people see of a value: the option's label for lists and references, else the value itself. */
  function labelOf({ from, source, item }: One): string {
    if (source.options !== null) {
      const option = labelIndex(from, source).byValue.get(String(item))
      if (option !== undefined) return option.label
    }
    if (typeof item === 'boolean') return item ? 'Yes' : 'No'
    return String(item)
  }

  function translateToOption(one: One, label: string): Translation {
    const { mapping, from, to, source, target, item } = one
    const pair = mapping.values.find((candidate) => candidate[from] === String(item) && flowsTo(candidate, to))
    const index = labelIndex(to, target)
    if (pair !== undefined) {
      if (target.options === null || !target.verified || index.byValue.has(pair[to]))
        return { ok: true, value: pair[to] }
      return fail(
        problemOf(mapping, to, target, {
          class: 'mapping',
          code: 'value-gap',
          message: `"${label}" is mapped to a value that "${target.label}" no longer has.`,
          remedy: `Correct the value mapping of "${source.label}", or add the value to the list.`,
        }),
      )
    }
    const parentLabel =
      source.options === null ? undefined : labelIndex(from, source).byValue.get(String(item))?.parentLabel
    const candidates = index.byLabel.get(normalLabel(label)) ?? []
    const matching =
      parentLabel !== undefined && candidates.some((option) => option.parentLabel !== undefined)
        ? candidates.filter((option) => normalLabel(option.parentLabel ?? '') === normalLabel(parentLabel))
        : candidates
    const [only] = matching
    if (only !== undefined && matching.length === 1) return { ok: true, value: only.value }
    if (matching.length > 1)
      return fail(
        problemOf(mapping, to, target, {
          class: 'mapping',
          code: 'name-not-unique',
          message: `"${target.label}" has ${matching.length} values named "${label}".`,
          remedy: `Add a value mapping for "${label}", or rename one of them.`,
        }),
      )
    if (target.type === 'list' && !target.verified) return withinLength(one, label)
    if (target.type === 'list' && typeof item === 'boolean') {
      const short = index.byLabel.get(item ? 'y' : 'n')?.[0]
      if (short !== undefined) return { ok: true, value: short.value }
    }
    return fail(
      problemOf(mapping, to, target, {
        class: 'mapping',
        code: 'value-gap',
        message: `"${target.label}" has no value for "${label}" of "${source.label}".`,
        remedy:
          target.type === 'reference'
            ? `Create "${label}" there, or add a value mapping for it.`
            : `Add a value mapping for "${label}", or add it to the list.`,
      }),
    )
  }

  /** A record that a link keeps in step is told by its twin; null: it is told by its name. */
  function translateReference(one: One): Translation | null {
    const { mapping, from, to, source, target, references } = one
    const id = String(one.item)
    if (source.refersTo === undefined || source.refersTo.kind !== target.refersTo?.kind) return null
    const found = references.resolve(from, source.refersTo, id)
    switch (found.state) {
      case 'no-link':
        return null
      case 'paired': {
        const value = fieldIdOf(target.refersTo, found.twinId)
        return value === null ? notConvertible(one, labelOf(one)) : { ok: true, value }
      }
      case 'waits':
        return fail(waitsFor(one, id))
      default:
        return fail(
          problemOf(mapping, to, target, {
            class: 'mapping',
            code: 'reference-not-in-step',
            message: `"${source.label}" names ${labelOf(one)}, which is not synchronized itself.`,
            remedy: 'Bring it into the scope of the link that keeps such records in step, or map the field to a text.',
          }),
        )
    }
  }

  /** The record above: its twin, or the root where nothing that is kept in step stands above. */
  function translateParent(one: One): Translation {
    const { mapping, from, to, source, target, references } = one
    const id = String(one.item)
    const type = context.type
    const typed = target.hierarchy === 'typed'
    const found =
      id === '' || source.refersTo === undefined
        ? ({ state: 'outside' } as const)
        : references.resolve(from, source.refersTo, id)
    const refuse = (code: string, message: string, remedy: string) =>
      fail(problemOf(mapping, to, target, { class: 'mapping', code, message, remedy }))
    if (found.state === 'waits') return fail(waitsFor(one, id))
    if (found.state === 'paired' && target.refersTo !== undefined) {
      if (typed && type !== undefined && found.type !== undefined && !type.parents.includes(found.type))
        return refuse(
          'illegal-parent',
          `It stands below ${id}, which is of type pair "${found.type}"; there a record of "${type.id}" stands below ${type.parents.map((parent) => `"${parent}"`).join(' or ') || 'the root'}.`,
          'Move it below a record of the right type.',
        )
      const value = fieldIdOf(target.refersTo, found.twinId)
      return value === null ? notConvertible(one, id) : { ok: true, value }
    }
    if (typed && type !== undefined && !type.underRoot)
      return refuse(
        'no-parent',
        `Nothing that is synchronized stands above it, and a record of "${type.id}" does not stand directly below the root.`,
        type.parents.length === 0
          ? 'Let records of this type stand below the root (types/underRoot).'
          : `Move it below ${type.parents.map((parent) => `"${parent}"`).join(' or ')}, or let records of this type stand below the root (types/underRoot).`,
      )
    return { ok: true, value: context.configuration[to].root }
  }

  function waitsFor(one: One, id: string): Problem {
    const { mapping, from, to, source, target } = one
    return {
      ...problemOf(mapping, to, target, {
        class: 'waiting',
        code: 'reference-waits',
        message: `"${source.label}" names ${id}, which has no twin yet.`,
        remedy: 'Nothing to do: it goes on as soon as that record is synchronized.',
      }),
      ...(source.refersTo === undefined
        ? {}
        : { waitsFor: { side: from, kind: source.refersTo.kind, id: recordIdOf(source.refersTo, id) } }),
    }
  }

  function translateUser(one: One, key: string): Translation {
    const { mapping, from, to, source, target } = one
    const person = people.person(from, key)
    if (target.type !== 'user') {
      if (target.type === 'string') return withinLength(one, person?.name ?? key)
      if (target.type === 'memo') return { ok: true, value: textToMemo(person?.name ?? key) }
      return notConvertible(one, person?.name ?? key)
    }
    const twin = people.twinOf(from, key)
    if (twin !== undefined) return { ok: true, value: twin.key }
    const fallback = standIn(to)
    const who = person === undefined ? key : `${person.name} (${person.login})`
    const gap = {
      class: 'mapping',
      code: 'user-gap',
      remedy: 'Map the person (tandem user-mapping import), or give both accounts the same e-mail address.',
    } as const
    const words = `${who} of "${source.label}" has no twin on the other side`
    // Somebody wants to know of each: the field waits for the person.
    if (fallback === null && context.configuration.unknownUsers === 'hold')
      return fail(problemOf(mapping, to, target, { ...gap, message: `${words}; "${target.label}" waits for one.` }))
    const becomes = fallback === null ? 'stays empty' : 'gets the default user'
    return {
      ok: true,
      value: fallback,
      warning: problemOf(mapping, to, target, {
        ...gap,
        warning: true,
        message: `${words}; "${target.label}" ${becomes}.`,
      }),
    }
  }

  function standIn(side: Side): string | null {
    return people.standIn(side) ?? context.configuration.defaultUsers[side]
  }

  function text(mapping: FieldMapping, from: Side, memo: string, { references = noReferences, images }: Around = {}) {
    const to = otherSide(from)
    const source = mapping[from] === null ? undefined : fieldByName(context[from].entity, mapping[from])
    const target = mapping[to] === null ? undefined : fieldByName(context[to].entity, mapping[to])
    if (source === undefined || target === undefined) return unknownField(mapping, source === undefined ? from : to)
    const asMemo = (field: FieldMetadata): FieldMetadata => ({ ...field, type: 'memo', maxLength: null })
    return translateMemo(
      { mapping, from, to, source: asMemo(source), target: asMemo(target), item: memo, references, images },
      memo,
    )
  }

  return { translate, text, standIn, unknownPairs: people.unknown }
}

function unknownField(mapping: FieldMapping, side: Side): Translation {
  return fail({
    class: 'schema',
    code: 'unknown-field',
    message: `The field "${mapping[side]}" no longer exists.`,
    remedy: 'Map another field, or remove this mapping, then run the integrity check.',
    side,
    field: mapping[side] ?? '',
    mappingId: mapping.id,
  })
}

function withinLength(
  one: { mapping: FieldMapping; to: Side; source: FieldMetadata; target: FieldMetadata },
  text: string | null,
): Translation {
  const { mapping, to, source, target } = one
  if (text === null || target.maxLength === null || target.maxLength < 0 || text.length <= target.maxLength)
    return { ok: true, value: text }
  return fail(
    problemOf(mapping, to, target, {
      class: 'mapping',
      code: 'too-long',
      message: `"${source.label}" has ${text.length} characters, "${target.label}" takes ${target.maxLength}. Nothing is cut.`,
      remedy: `Shorten the text, or map "${source.label}" to a longer field.`,
    }),
  )
}

function notConvertible(
  one: { mapping: FieldMapping; to: Side; source: FieldMetadata; target: FieldMetadata },
  label: string,
): Translation {
  const { mapping, to, source, target } = one
  return fail(
    problemOf(mapping, to, target, {
      class: 'mapping',
      code: 'not-convertible',
      message: `"${label}" of "${source.label}" (${source.type}) cannot become a ${target.type} for "${target.label}".`,
      remedy: 'Map fields of matching types.',
    }),
  )
}

function problemOf(
  mapping: FieldMapping,
  side: Side,
  field: FieldMetadata,
  words: Pick<Problem, 'class' | 'code' | 'message' | 'remedy' | 'warning'>,
): Problem {
  return { ...words, side, field: field.name, mappingId: mapping.id }
}

function fail(problem: Problem): Translation {
  return { ok: false, problem }
}

/** Labels compare without case and surrounding or repeated blanks. */
function normalLabel(label: string): string {
  return label.trim().replace(/\s+/g, ' ').toLowerCase()
}

interface LabelIndex {
  byValue: Map<string, FieldOption>
  byLabel: Map<string, FieldOption[]>
}

function indexLabels(options: readonly FieldOption[]): LabelIndex {
  const index: LabelIndex = { byValue: new Map(), byLabel: new Map() }
  for (const option of options) {
    index.byValue.set(option.value, option)
    const label = normalLabel(option.label)
    const list = index.byLabel.get(label)
    if (list === undefined) index.byLabel.set(label, [option])
    else list.push(option)
  }
  return index
}
