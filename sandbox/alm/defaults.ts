import type { AlmTypeModel } from './model.ts'
import type { AlmRecord } from './store.ts'

/** Fills in what the server itself gives a new record. Workflow defaults are not among it: a defect's status stays empty. */
export function withDefaults(model: AlmTypeModel, record: AlmRecord, who: { user: string; at: string }): void {
  const [day = '', time = ''] = who.at.split(' ')
  const fill = (name: string, value: string) => {
    if (record[name] === null) record[name] = value
  }
  switch (model.name) {
    case 'defect':
      fill('has-linkage', 'N')
      break
    case 'requirement': {
      fill('has-linkage', 'N')
      const subtype = model.subtypes?.find((one) => String(one.id) === record['type-id'])
      fill('creation-time', day)
      fill('req-time', time)
      fill('status', subtype?.coverage === false ? 'N/A' : 'Not Covered')
      fill('no-of-sons', '0')
      break
    }
    case 'test':
      fill('creation-time', day)
      fill('exec-status', 'No Run')
      break
    case 'test-set':
      fill('status', 'Open')
      break
    case 'test-instance':
      fill('status', 'No Run')
      break
    case 'run':
      fill('execution-date', day)
      fill('execution-time', time)
      break
    case 'defect-link':
      fill('owner', who.user)
      fill('creation-time', day)
      break
    case 'favorite':
    case 'favorite-folder':
      // The roots are nobody's.
      if (record['parent-id'] !== '-1') fill('owner', who.user)
      fill('is-public', 'N')
      break
    case 'requirement-coverage':
      fill('coverage-mode', 'All Configurations')
      fill('modified-count', '0')
      break
    case 'req-trace':
      fill('owner', who.user)
      fill('creation-date', day)
      break
    default:
  }
}
