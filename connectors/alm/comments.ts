import { bannerWord, readCommentMemo, writeCommentMemo } from '../../core/comment-memo.ts'
import { type Comment, type CommentAction, commentsOf } from '../../core/comments.ts'
import { canonicalMemo, lostInMemo, unreadableMemo } from '../../core/memo.ts'
import type { Problem } from '../../core/problems.ts'
import { type CarriesComments, type CommentResult, noParts } from '../contract.ts'
import { movedProblem } from '../row-results.ts'
import { notSent } from './row-results.ts'
import type { EditMemo } from './writer.ts'

/**
 * Comments of ALM's records: one memo each, read with the record and written under its lock, made of what stands there then:
 * several actions are one write, and what a person writes meanwhile stays.
 */
export function createComments(editMemo: EditMemo): CarriesComments {
  return {
    oneText: true,
    // A comment is a change of its record.
    listed: () => Promise.resolve(noParts),
    totals: () => Promise.resolve(null),
    async write(entityType, recordId, field, actions, call = {}) {
      const refused = new Map<CommentAction, Problem>()
      let found: readonly Comment[] = []
      let result: Awaited<ReturnType<EditMemo>>
      try {
        result = await editMemo(
          entityType,
          recordId,
          field,
          (memo) => {
            const why = cannotBeKept(memo)
            if (why !== null) return { outcome: 'refused', problem: why }
            const next = writeCommentMemo(memo, actions)
            for (const action of next.missed) refused.set(action, movedProblem())
            for (const action of next.unwritable) refused.set(action, unwritable)
            found = readCommentMemo(next.memo)
            if (refused.size > 0) return { outcome: 'refused', problem: withOthers }
            return next.memo === canonicalMemo(memo) ? null : { memo: next.memo }
          },
          call,
        )
      } catch (error) {
        result = notSent(error)
      }
      if (result !== null && result.outcome !== 'done') {
        const failed = result
        return actions.map((action): CommentResult => {
          const problem = refused.get(action)
          return problem === undefined ? failed : { outcome: 'refused', problem }
        })
      }
      const kept = result?.snapshot.fields[field]
      const stamp = result === null ? {} : { stamp: result.snapshot.stamp }
      const now = kept === undefined ? found : commentsOf(kept)
      return actions.map((action): CommentResult => {
        const own = action.kind === 'delete' ? undefined : now.find((one) => isMeant(one, action))
        return { outcome: 'done', comment: own ?? null, ...stamp }
      })
    },
  }
}

/** By its banner, as long as it has one; a person's own by hand, time and text. */
function isMeant(one: Comment, action: Exclude<CommentAction, { kind: 'delete' }>): boolean {
  if (action.kind === 'add')
    return one.origin?.ref === action.origin.ref && one.origin.from === bannerWord(action.origin.from)
  const { origin, author, time } = action.was
  if (origin !== null) return one.origin?.ref === origin.ref && one.origin.from === origin.from
  return one.origin === null && one.author === author && one.time === time && one.text === action.text
}

/** Planned again at once, without the one that was refused. */
const withOthers: Problem = {
  class: 'unavailable',
  code: 'not-sent',
  message: 'Another comment of the record could not be written.',
  remedy: 'Nothing to do: it is tried again.',
}

const unwritable: Problem = {
  class: 'mapping',
  code: 'comment-unreadable',
  message: 'A comment holds a line that would be read as the beginning of another one in ALM.',
  remedy: 'Take the line with a name and a date out of the comment.',
}

/** The memo is written as a whole: what we cannot write back is left alone. */
function cannotBeKept(memo: string | null): Problem | null {
  if (memo === null) return null
  const lost = lostInMemo(memo)
  const why = unreadableMemo(canonicalMemo(memo)) ?? (lost.length === 0 ? null : `it holds ${lost.join(', ')}`)
  if (why === null) return null
  return {
    class: 'mapping',
    code: 'comments-held',
    message: `The memo of comments is left alone: ${why}.`,
    remedy: 'Take it out of the comments in ALM; what the other side has goes on then.',
  }
}
