import { type MemoForm, storedMemo } from './memo.ts'
import type { AlmFieldModel } from './model.ts'
import type { AlmLists } from './picklists.ts'
import { valuesOf } from './rules.ts'
import type { AlmStored, AlmUser } from './store.ts'
import type { AlmSwitchValues } from './switches.ts'

/** A value as the server keeps it: memos as documents, users in the spelling of the list, sets in the order of theirs. */
export function storedValue(
  project: { switches: AlmSwitchValues; users: readonly AlmUser[]; lists: AlmLists },
  field: AlmFieldModel | undefined,
  value: AlmStored,
): AlmStored {
  const filled = valuesOf(field, value).filter((one) => one !== '')
  if (field?.multiple === true)
    return filled.length === 0 ? null : inListOrder(project.lists.values(field.list), filled)
  const [first] = filled
  if (first === undefined) return null
  if (field?.type === 'Memo' && field.verbatim !== true) {
    const { memoForm, memoStyles } = project.switches
    return storedMemo(first, { form: memoForm as MemoForm['form'], styles: memoStyles as MemoForm['styles'] })
  }
  if (field?.type === 'UsersList')
    return project.users.find((user) => user.name.toLowerCase() === first.toLowerCase())?.name ?? first
  return first
}

/** Sets lose the order they were written in. */
function inListOrder(items: readonly string[], values: readonly string[]): string[] {
  return [...new Set(values)].sort((a, b) => items.indexOf(a) - items.indexOf(b) || Number(a) - Number(b))
}
