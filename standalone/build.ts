import { spawnSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Makes `dist/`: the program as plain JavaScript, with what it reads at run time and the workflows as one bundle. */
async function build(): Promise<void> {
  const dist = path.join(root, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const compiler = path.join(root, 'node_modules', '.bin', 'tsc')
  const compiled = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (compiled.status !== 0) throw new Error('The sources do not compile.')
  cpSync(path.join(root, 'db', 'migrations'), path.join(dist, 'db', 'migrations'), { recursive: true })
  cpSync(path.join(root, 'templates'), path.join(dist, 'templates'), {
    recursive: true,
    filter: (file) => !file.endsWith('.ts'),
  })
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(dist, 'workflows', 'index.js') })
  writeFileSync(path.join(dist, 'workflow-bundle.js'), code)
  process.stdout.write('Built dist/\n')
}

await build()
