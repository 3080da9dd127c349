import Table from 'cli-table3'

export interface Output {
  json: boolean
  /** Prints the value for scripts, or what `people` makes of it for people. */
  show<T>(value: T, people: (value: T) => string): void
  line(text: string): void
}

export function createOutput(json: boolean): Output {
  const line = (text: string) => void process.stdout.write(`${text}\n`)
  return {
    json,
    show: (value, people) => line(json ? JSON.stringify(value, null, 2) : people(value)),
    line: (text) => {
      if (!json) line(text)
    },
  }
}

/** A plain table that copies well; empty lists say so. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[], empty: string): string {
  if (rows.length === 0) return empty
  const made = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
  })
  for (const row of rows) made.push(row.map((cell) => (cell === null || cell === undefined ? '' : String(cell))))
  return made.toString()
}

export function short(value: unknown, length = 60): string {
  const text =
    value === null || value === undefined ? '(empty)' : Array.isArray(value) ? value.join(', ') : String(value)
  const flat = text.replace(/\s+/g, ' ')
  return flat.length > length ? `${flat.slice(0, length - 1)}…` : flat
}

/** What became of a configuration that was sent: saved as a version, or found to be what the link has already. */
export function savedWords(link: { name: string; version: number }, version: number, then: string): string {
  return version === link.version
    ? `Nothing differs: version ${version} of ${link.name} says the same already.`
    : `Saved version ${version} of ${link.name}${then}`
}

export function localTime(iso: string | null): string {
  return iso === null ? '' : new Date(iso).toLocaleString('sv-SE')
}

/** A bar that is redrawn in place; a line now and then where nobody looks. */
export function createBar(output: NodeJS.WriteStream = process.stderr) {
  let lastLine = 0
  let lastWords = ''
  return {
    update(done: number, total: number, words: string): void {
      const share = total === 0 ? 0 : Math.min(1, done / total)
      if (output.isTTY === true) {
        const filled = Math.round(share * 30)
        output.write(
          `\r\u001b[2K  ${'█'.repeat(filled)}${'░'.repeat(30 - filled)} ${String(Math.round(share * 100)).padStart(3)}%  ${words}`,
        )
      } else if (words !== lastWords && performance.now() - lastLine > 5_000) {
        lastLine = performance.now()
        lastWords = words
        output.write(`  ${words}\n`)
      }
    },
    end(): void {
      if (output.isTTY === true) output.write('\r\u001b[2K')
    },
  }
}
