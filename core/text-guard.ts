import { listed } from './listed.ts'
import { losesContent, memoText, textToMemo, unreadableMemo } from './memo.ts'
import type { FieldMetadata } from './metadata.ts'
import type { Problem } from './problems.ts'
import type { Construct } from './rich-text/constructs.ts'
import type { Translation } from './translate.ts'
import { type CanonicalValue, type Side, sameValue } from './values.ts'

/** What a text's way from one field to another has to mind. */
interface TextWay {
  mappingId: string
  /** The side that would be written. */
  to: Side
  source: FieldMetadata
  target: FieldMetadata
}

/** Content that a memo would lose as plain text; none: it is as good as plain. */
export function lostAsPlainText(memo: string): Construct[] {
  return losesContent(memo, textToMemo(memoText(memo)))
}

/**
 * Stops a value from being written over a memo that holds more than can be written back: content that only the endpoint can show,
 * or content that a plain text on the other side never had. What would change nothing may pass. `lost` names, as the
 * endpoints' texts were read, what their canonical forms do not hold.
 */
export function guardText(
  way: TextWay,
  translation: Translation,
  current: CanonicalValue,
  lost: { source: readonly string[]; target: readonly string[] },
): Translation {
  if (!translation.ok) return translation
  const { source, target } = way
  if (target.type === 'memo' && typeof current === 'string' && !sameValue(translation.value, current)) {
    const why = unreadableMemo(current)
    if (why !== null) return { ok: false, problem: unreadableProblem(way.mappingId, target, way.to, why) }
    const missed =
      lost.target.length > 0 ? lost.target : source.type === 'memo' ? [] : lostAsPlainText(current).map(named)
    if (missed.length > 0)
      return {
        ok: false,
        problem: {
          class: 'mapping',
          code: 'content-would-be-lost',
          message: `"${target.label}" holds ${listed(missed)}, which would be lost if the text of "${source.label}" were written over it.`,
          remedy: `Take it out of "${target.label}" or attach it to the record, map the field one way only, or change the text on that side.`,
          side: way.to,
          field: target.name,
          mappingId: way.mappingId,
        },
      }
  }
  return lost.source.length === 0 || translation.warning !== undefined
    ? translation
    : { ...translation, warning: notCarried(way, lost.source) }
}

function notCarried(way: TextWay, missed: readonly string[]): Problem {
  return {
    class: 'mapping',
    code: 'content-not-carried',
    warning: true,
    message: `"${way.source.label}" holds ${listed(missed)}, which "${way.target.label}" does not get. The text is not written back over it.`,
    remedy: 'Attach it to the record instead.',
    side: way.to,
    field: way.target.name,
    mappingId: way.mappingId,
  }
}

/** A memo that cannot become the plain text of another field whole. */
export function notPlainProblem(way: TextWay, missed: readonly Construct[]): Problem {
  return {
    class: 'mapping',
    code: 'content-would-be-lost',
    message: `"${way.source.label}" holds ${listed(missed.map(named))}, which the plain text "${way.target.label}" cannot hold.`,
    remedy: `Map "${way.source.label}" to a field with formatted text, or write the text there without it.`,
    side: way.to,
    field: way.target.name,
    mappingId: way.mappingId,
  }
}

/** Images of a memo that nobody could see on the other side. */
export function strandedProblem(way: TextWay, names: readonly string[]): Problem {
  const images = names.length === 1 ? 'the image' : `${names.length} images`
  return {
    class: 'mapping',
    code: 'image-not-carried',
    message: `"${way.source.label}" shows ${images} ${names.slice(0, 3).map(quoted).join(', ')}${names.length > 3 ? ' and more' : ''}, which the other side cannot reach.`,
    remedy: 'Attach the image to the record on both sides, or use an address that both can open.',
    side: way.to,
    field: way.target.name,
    mappingId: way.mappingId,
  }
}

/** Images of a memo that will be there once their files are. */
export function awaitedProblem(way: TextWay, names: readonly string[]): Problem {
  return {
    class: 'waiting',
    code: 'image-awaited',
    message: `"${way.source.label}" shows ${names.slice(0, 3).map(quoted).join(', ')}${names.length > 3 ? ' and more' : ''}: the text follows as soon as ${names.length === 1 ? 'this file is' : 'these files are'} attached on the other side.`,
    remedy: 'Nothing to do, unless there is an issue of the file itself.',
    side: way.to,
    field: way.target.name,
    mappingId: way.mappingId,
  }
}

export function unreadableProblem(mappingId: string, field: FieldMetadata, side: Side, why: string): Problem {
  return {
    class: 'mapping',
    code: 'unreadable-text',
    message: `The text of "${field.label}" is left alone: ${why}.`,
    remedy: 'Simplify the text there, or move it into an attached file.',
    side,
    field: field.name,
    mappingId,
  }
}

const articles: Partial<Record<Construct, string>> = {
  text: 'text',
  link: 'links',
  image: 'images',
  table: 'a table',
  'merged cells': 'merged cells',
  list: 'a list',
  numbering: 'numbered items',
  code: 'code',
  'box to tick': 'boxes to tick',
}

function named(construct: Construct): string {
  return articles[construct] ?? construct
}

function quoted(name: string): string {
  return `"${name.length > 80 ? `${name.slice(0, 77)}...` : name}"`
}
