import type { SwitchTable } from '../common/switches.ts'

/** Points in which ALM servers differ, or which nobody outside has seen. */
export const almSwitches = {
  idleSeconds: {
    default: '3600',
    values: 'number',
    description: 'A site session that is not used for so long expires.',
  },
  idleStatus: { default: '401', values: ['401', '403'], description: 'Status of a request with an expired session.' },
  bulk: { default: 'yes', values: ['yes', 'no'], description: 'Take bodies of several records (type=collection).' },
  workflow: { default: 'bypassed', values: ['bypassed', 'enforced'], description: 'Whether REST may set any status.' },
  getLogout: { default: 'by-version', values: ['by-version', 'yes', 'no'], description: 'Log out by GET.' },
  lockedStatus: { default: '403', values: ['403', '409'], description: 'Status of a write to a locked record.' },
  singleElement: { default: 'array', values: ['array', 'object'], description: 'JSON of a list with one element.' },
  loginLockout: {
    default: '0',
    values: 'number',
    description: 'Wrong passwords until an account is locked; 0: never.',
  },
} as const satisfies SwitchTable
