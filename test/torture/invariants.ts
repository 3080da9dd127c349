import type { History, World } from './history.ts'
import { judgeDeletions } from './judge-deletions.ts'
import { judgeLedger } from './judge-ledger.ts'
import { judgeLabOrder } from './judge-order.ts'
import { judgeTwins } from './judge-twins.ts'
import { dumpTables, plantedSecrets, secretIn } from './secrets.ts'
import { createVerdict, type Verdict } from './verdict.ts'

/**
 * Looks at both systems once everything is quiet, and says what is not as it must be. `undone`: writes that were open when
 * their server went back in time, by key.
 */
export async function judgeWorld(
  lab: World,
  history: History,
  verdict: Verdict = createVerdict(),
  undone: ReadonlyMap<string, number> = new Map(),
): Promise<Verdict & { waiting: number }> {
  const { waiting } = await judgeTwins(lab, history, verdict)
  await judgeDeletions(lab, history, verdict)
  await judgeLabOrder(lab, history, verdict)
  await judgeLedger(lab, history, verdict, undone)
  const secrets = plantedSecrets(lab)
  const rows = await dumpTables(lab.database.sql)
  verdict.tried('I11', rows.length)
  const found = secretIn(rows.join('\n'), secrets)
  if (found !== null) verdict.broken('I11', `the database holds a secret: ${found}`)
  return { ...verdict, waiting }
}
