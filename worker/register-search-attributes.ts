import proto from '@temporalio/proto'
import type { NativeConnection } from '@temporalio/worker'
import { searchAttributes } from '../workflows/search-attributes.ts'

/**
 * Makes sure that the namespace knows our search attributes: an unknown one would fail workflow tasks for ever. Adds the
 * missing ones where the server lets us; else refuses the start with the command to run.
 */
export async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const wanted = Object.values(searchAttributes).map((key) => key.name)
  const missing = async () => {
    const known = await connection.operatorService.listSearchAttributes({ namespace })
    return wanted.filter((name) => known.customAttributes?.[name] === undefined)
  }
  const lacking = await missing()
  if (lacking.length === 0) return
  const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(lacking.map((name) => [name, keyword])),
    })
  } catch {
    // Another process may have been faster, or we may not be allowed to: what counts is whether they are there.
  }
  for (let attempt = 0; attempt < 20; attempt++) {
    const still = await missing()
    if (still.length === 0) return
    if (attempt < 19) await new Promise((resolve) => setTimeout(resolve, 500))
    else {
      const commands = still.map(
        (name) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
      )
      throw new Error(
        `Temporal does not know these search attributes. Register them and start again:\n${commands.join('\n')}`,
      )
    }
  }
}
