import type { IssueDetail, IssueView } from '../api/contract/issues.ts'
import { localTime, short, table } from './output.ts'

/** Issues a line each, cut to the width of a screen, with the way to the whole of one. */
export function describeIssues(
  issues: readonly IssueView[],
  { left, right }: { left: { name: string }; right: { name: string } },
): string {
  return [
    table(
      ['Id', left.name, right.name, 'Severity', 'Owner', 'Issue', 'Remedy', 'Tries', 'Next'],
      issues.map((one) => [
        one.id.slice(0, 8),
        one.leftId,
        one.rightId,
        one.severity,
        one.owner,
        short(`${one.ignored === null ? '' : '(ignored) '}${one.message}`, 70),
        short(one.remedy, 60),
        one.attempts,
        localTime(one.nextAttempt),
      ]),
      '',
    ),
    'All of one issue, with the values of both sides: tandem issue show <id>',
  ].join('\n')
}

const owners: Record<IssueView['owner'], string> = {
  admin: 'an administrator must act',
  endpoint: 'it depends on the endpoint, and is tried again by itself',
  us: 'it settles by itself',
}

/** What a side shows of the field of an issue now: a value, or why there is none to show. */
export type ShownValue = { value: unknown } | { words: string }

/** Everything about one issue, nothing cut. */
export function describeIssue(
  issue: IssueDetail,
  values: { left: ShownValue | null; right: ShownValue | null },
): string {
  const { left, right } = issue.endpoints
  const said = (shown: ShownValue | null) =>
    shown === null
      ? null
      : 'words' in shown
        ? shown.words
        : shown.value === null
          ? 'empty'
          : JSON.stringify(shown.value)
  const of = (name: string, id: string | null, field: string | null, shown: ShownValue | null) =>
    id === null ? null : [`${id} in ${name}`, ...(field === null ? [] : [`${field}: ${said(shown)}`])].join(', ')
  const ignored =
    issue.ignored === null
      ? null
      : `by ${issue.ignored.by}${issue.ignored.until === null ? '' : ` until ${localTime(issue.ignored.until)}`}: ${issue.ignored.reason}`
  const rows: [string, string | null][] = [
    ['Issue', issue.id],
    ['Link', issue.linkDeleted ? `${issue.linkName} (deleted)` : issue.linkName],
    ['Record', of(left, issue.leftId, issue.fields.left, values.left)],
    ['', of(right, issue.rightId, issue.fields.right, values.right)],
    ['Severity', `${issue.severity} (${issue.class}, ${issue.code})`],
    ['Owner', `${issue.owner}: ${owners[issue.owner]}`],
    ['What', issue.message],
    ['Remedy', issue.remedy],
    ['Mapping', issue.pointer === null ? null : `${issue.pointer} of the configuration`],
    ['Tried', `${issue.attempts} time${issue.attempts === 1 ? '' : 's'}`],
    ['Next', issue.nextAttempt === null ? null : localTime(issue.nextAttempt)],
    ['First seen', `${localTime(issue.firstSeen)}, in run ${issue.firstRunId}`],
    ['Last seen', `${localTime(issue.lastSeen)}, in run ${issue.lastRunId}`],
    ['Resolved', issue.resolvedAt === null ? null : localTime(issue.resolvedAt)],
    ['Ignored', ignored],
  ]
  return rows.flatMap(([name, words]) => (words === null ? [] : [`${name.padEnd(11)}${words}`])).join('\n')
}
