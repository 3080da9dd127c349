import type { SwitchTable, SwitchValues } from '../common/switches.ts'

/** Points in which Octane servers differ, or which nobody outside has seen. */
export const octaneSwitches = {
  defaultLimit: { default: '100', values: 'number', description: 'Rows of a page when no limit is given.' },
  maximumLimit: { default: '1000', values: 'number', description: 'A higher limit is refused.' },
  idleSeconds: {
    default: '10800',
    values: 'number',
    description: 'A session that is not used for so long expires (401).',
  },
  globalSeconds: { default: '86400', values: 'number', description: 'A session that is this old expires (401).' },
  rotationSeconds: { default: '300', values: 'number', description: 'The session cookie is replaced this often.' },
  lockMismatchCode: {
    default: 'platform.client_lock_stamp_mismatch',
    values: ['platform.client_lock_stamp_mismatch', 'platform.general_error'],
    description: 'error_code of a client_lock_stamp that is out of date (always HTTP 500).',
  },
  forbiddenCode: {
    default: 'platform.not_authorized',
    values: ['platform.not_authorized', 'platform.general_error'],
    description: 'error_code of what a role does not allow (403).',
  },
  foreignWorkspaceStatus: {
    default: '403',
    values: ['403', '401', '404'],
    description: 'Status of a request to a workspace the user may not open (platform.not_authorized).',
  },
  missingWorkspace: {
    default: 'address',
    values: ['address', 'entity'],
    description: 'A workspace that does not exist: unknown address, or platform.entity_not_found of the workspace.',
  },
  enforceTransitions: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Refuse phase changes that the workflow does not know.',
  },
  transitionCode: {
    default: 'platform.transition_not_allowed',
    values: ['platform.transition_not_allowed', 'platform.illegal_field_value'],
    description: 'error_code of a refused phase change.',
  },
  requiredCode: {
    default: 'platform.required_field_missing',
    values: ['platform.required_field_missing', 'platform.missing_required_field'],
    description: 'error_code of a required field without value.',
  },
  commentsBumpItem: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'A new comment changes the last_modified of its item.',
  },
  deleteParent: {
    default: 'move',
    values: ['move', 'refuse', 'delete'],
    description: 'What deleting a feature or epic does: its children go to the root, or it is refused, or they go too.',
  },
  parentRules: {
    default: 'no',
    values: ['no', 'yes'],
    description:
      'Refuse a parent that the hierarchy does not know: epics stand below the root, features below epics, stories, quality stories and defects below features or the root.',
  },
  parentCode: {
    default: 'platform.illegal_field_value',
    values: ['platform.illegal_field_value', 'platform.general_error'],
    description: 'error_code of a refused parent.',
  },
  requestsPerSecond: {
    default: '0',
    values: 'number',
    description: 'More requests in a second are answered with 429; 0: no limit.',
  },
  throttleHint: {
    default: 'seconds',
    values: ['seconds', 'date', 'none'],
    description: 'What Retry-After of that 429 says.',
  },
  innerQuote: {
    default: 'text',
    values: ['text', 'error'],
    description: 'What an unescaped double quote inside ^...^ is.',
  },
  severityLabels: {
    default: 'delivered',
    values: ['delivered', 'customised'],
    description: 'Labels of the severity list.',
  },
  legacyDefaultFields: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Without fields= answer all fields, as before 15.x.',
  },
  basicAuthentication: { default: 'no', values: ['no', 'yes'], description: 'Accept Authorization: Basic.' },
  quietFields: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Some fields do not raise client_lock_stamp: those of quietFieldNames.',
  },
  quietFieldNames: {
    default: 'rank',
    values: 'names',
    description: 'Fields, separated by commas, that do not raise client_lock_stamp; version_stamp rises always.',
  },
  closedNeedsDate: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Business rule: phase Closed requires "Closed on".',
  },
} as const satisfies SwitchTable

export type OctaneSwitchValues = SwitchValues<typeof octaneSwitches>
