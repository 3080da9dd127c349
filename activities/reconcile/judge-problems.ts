import type { Problem } from '../../core/problems.ts'
import { otherSide, type RecordSnapshot, type Side } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'

export function unansweredWrite(side: Side): Problem {
  return {
    class: 'in-doubt',
    code: 'update-unanswered',
    message:
      'A change was sent and its answer never came. It is looked for until it is found or surely will not be carried out any more.',
    remedy: 'Nothing to do: this settles by itself.',
    side,
  }
}

export function undoneTwin(bench: Workbench, side: Side, id: string, twinId: string): Problem {
  const other = bench.link[otherSide(side)].name
  const field = bench.link.configuration[side].crossReference
  const emptied = field === null ? '' : ` and empty its field "${field}"`
  return {
    class: 'missing',
    code: 'twin-undone',
    warning: true,
    message: `The twin of record ${id} of ${bench.link[side].name} was record ${twinId} of ${other}, which was undone when ${other} was restored; its number belongs to another record now. Record ${id} stays and is not synchronized any more.`,
    remedy: `Nothing to do if that is meant. To have it created anew, set the rule for deletions to "re-create"${emptied}, and synchronize the record.`,
    side: otherSide(side),
  }
}

export function copiedReference(bench: Workbench, side: Side, id: string, twinId: string): Problem {
  const field = bench.link.configuration[side].crossReference ?? ''
  return {
    class: 'ambiguous',
    code: 'copied-reference',
    message: `Record ${id} of ${bench.link[side].name} names ${twinId} as its twin, which is paired with another record. Perhaps it is a copy.`,
    remedy: `Empty its field "${field}" to have it synchronized as a new record.`,
    side,
    field,
  }
}

export function unprovenTwin(bench: Workbench, side: Side, id: string, twinId: string): Problem {
  return {
    class: 'ambiguous',
    code: 'unproven-twin',
    message: `Records ${id} of ${bench.link[side].name} and ${twinId} of ${bench.link[otherSide(side)].name} look like twins, but only one of them names the other and Tandem did not create either.`,
    remedy: 'Enter the missing reference to pair them, or empty the reference that is there to keep them apart.',
    side,
  }
}

export function severalTwins(bench: Workbench, side: Side, id: string, found: readonly RecordSnapshot[]): Problem {
  return {
    class: 'ambiguous',
    code: 'several-twins',
    message: `${found.length} records of ${bench.link[otherSide(side)].name} (${found
      .slice(0, 5)
      .map((one) => one.id)
      .join(', ')}) name record ${id} of ${bench.link[side].name} as their twin. None is touched.`,
    remedy: 'Empty the reference in all but one of them.',
    side,
  }
}
