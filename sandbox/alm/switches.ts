import type { SwitchTable, SwitchValues } from '../common/switches.ts'

/** Points in which ALM servers differ, or which nobody outside has seen. */
export const almSwitches = {
  idleSeconds: {
    default: '3600',
    values: 'number',
    description: 'A site session that is not used for so long expires.',
  },
  idleStatus: { default: '401', values: ['401', '403'], description: 'Status of a request with an expired session.' },
  idleId: {
    default: 'session-has-expired',
    values: ['session-has-expired', 'general-error'],
    description: 'Id of the error of an expired session.',
  },
  idleRenewal: {
    default: 'by-version',
    values: ['by-version', 'yes', 'no'],
    description: 'Replace an expired session silently while the single sign-on token is valid (by version: 12.5 does).',
  },
  ssoSeconds: {
    default: '3600',
    values: 'number',
    description: 'Life of the single sign-on token; after half of it any answer may bring a new one.',
  },
  rotateSession: {
    default: '0',
    values: 'number',
    description: 'After so many requests an answer replaces the session cookie; 0: never.',
  },
  implicitSession: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Open a session for a project request that brings only the single sign-on token.',
  },
  authenticateStatus: {
    default: '200',
    values: ['200', '201'],
    description: 'Status of a sign-in by alm-authenticate.',
  },
  almAuthenticate: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Whether alm-authenticate is there; very old servers have Basic authentication alone.',
  },
  flatSignIn: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Whether api/authentication/sign-in is there; old servers have none, and some sites hide it.',
  },
  getLogout: { default: 'by-version', values: ['by-version', 'yes', 'no'], description: 'Log out by GET.' },
  loginLockout: {
    default: '0',
    values: 'number',
    description: 'Wrong passwords until an account is locked; 0: never.',
  },
  keySessions: {
    default: '50',
    values: 'number',
    description: 'Sessions that an API key may have at a time.',
  },
  foreignProjectStatus: {
    default: '403',
    values: ['403', '401'],
    description: 'Status of a request to a project the user may not open.',
  },
  singleElement: { default: 'array', values: ['array', 'object'], description: 'JSON of a list with one element.' },
  siteLists: {
    default: 'nested',
    values: ['nested', 'results'],
    description:
      'JSON of the lists of domains and projects: {"Domains":{"Domain":[...]}}, or {"results":[...]} as the flat API.',
  },
  modifiedZone: {
    default: 'server',
    values: ['server', 'utc'],
    description: "Zone of last-modified: the server's, as all its other times, or UTC.",
  },
  auditActions: {
    default: 'update',
    values: ['update', 'all'],
    description:
      'What the history tells: changes alone, as was seen, or that records came and went too, as documented.',
  },
  commentBanner: {
    default: 'none',
    values: ['none', 'underscores', 'login'],
    description:
      'Comments in seeded defects: none; below a line of underscores with the name (old clients); below a bold "Name <login>, date:" (new ones).',
  },
  requirementParents: {
    default: 'any',
    values: ['any', 'configured'],
    description:
      'Which types may stand below which: any; or as projects configure it: folders in folders only, other types below folders, groups and their own type.',
  },
  hiddenFields: {
    default: 'absent',
    values: ['absent', 'empty'],
    description: 'How a record shows a field that the user may not read: not at all, or without a value.',
  },
  siblingNames: {
    default: 'unique',
    values: ['unique', 'free'],
    description: 'Whether two records with one parent may have the same name, in trees and below releases.',
  },
  existsStatus: {
    default: '409',
    values: ['409', '400', '500'],
    description: 'Status of a name that is taken: of a sibling, or of an attachment.',
  },
  memoForm: {
    default: 'printed',
    values: ['printed', 'cleaned', 'verbatim'],
    description:
      'What happens to the HTML of memos: pretty-printed without active content; without active content; or wrapped into a document alone (ENABLE_OUTPUT_SANITIZATION).',
  },
  memoStyles: {
    default: 'kept',
    values: ['kept', 'removed'],
    description: 'Whether style and class attributes and font elements stay in memos (sanitizer-whitelist.xml).',
  },
  favoriteForm: {
    default: 'typed',
    values: ['typed', 'entity'],
    description: 'Favorites as XML of their own, as older servers send them, or as any other entity.',
  },
  attachmentTouches: {
    default: 'nothing',
    values: ['nothing', 'version', 'modified'],
    description:
      'What an attachment that comes, changes or goes does to its record beside the flag: nothing, a new ver-stamp, or that and a new last-modified.',
  },
  projectAttachments: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Whether the files of all records are listed together (GET attachments), or record by record only.',
  },
  attachmentLimitKb: {
    default: '0',
    values: 'number',
    description: 'Largest attachment in kilobytes (UPLOAD_ATTACH_MAX_SIZE); 0: no limit.',
  },
  attachmentBlocked: {
    default: 'exe,bat,cmd',
    values: 'names',
    description: 'Extensions that are refused with 403.',
  },
  bulk: { default: 'yes', values: ['yes', 'no'], description: 'Take bodies of several records (type=collection).' },
  readOnlyFields: {
    default: 'refuse',
    values: ['refuse', 'ignore'],
    description: 'What happens to read-only fields in a written record.',
  },
  versionControl: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Whether the project is under version control: requirements and tests are checked out and in.',
  },
  updateWithoutCheckOut: {
    default: 'refused',
    values: ['refused', 'versioned', 'unversioned'],
    description:
      'A write under version control by somebody who has not checked the record out: refused, a version of its own, or no version.',
  },
  versionFailureStatus: {
    default: '500',
    values: ['500', '409'],
    description: 'Status of a check-out, check-in or undo that fails.',
  },
  workflow: {
    default: 'bypassed',
    values: ['bypassed', 'enforced'],
    description: 'Whether REST may set any status (CLIENT_TYPES_BYPASS_REST_WF).',
  },
  workflowStatus: {
    default: '403',
    values: ['403', '400'],
    description: 'Status of a transition the workflow refuses.',
  },
  lockedStatus: { default: '403', values: ['403', '409'], description: 'Status of a write to a locked record.' },
  lockedId: {
    default: 'lock-failure',
    values: ['lock-failure', 'entity-locked', 'request-conflict'],
    description: 'Id of the error of a write to a locked record.',
  },
  lockList: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Whether the flat generation lists the locks of the project.',
  },
  filterStatus: { default: '400', values: ['400', '404'], description: 'Status of a filter with bad syntax.' },
  emptyFilter: {
    default: 'matches',
    values: ['matches', 'nothing', 'refused'],
    description: "Whether field[''] finds the records without a value.",
  },
  filterQuotes: {
    default: 'plain',
    values: ['plain', 'doubled'],
    description: 'Whether a doubled quote inside quotes stands for the quote itself.',
  },
  entityPermissions: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Whether customization/entities/{e}/permissions is there.',
  },
} as const satisfies SwitchTable

export type AlmSwitchValues = SwitchValues<typeof almSwitches>
