/** Shows what is being waited for and how long each step took: lines for a file, redrawn in place for a person. */
export interface Checklist {
  step<T>(what: string, body: () => Promise<T>): Promise<T>
  say(line: string): void
}

export function createChecklist(output: NodeJS.WriteStream = process.stdout): Checklist {
  const live = output.isTTY === true
  const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`
  return {
    async step(what, body) {
      const started = performance.now()
      if (live) output.write(`  …  ${what}`)
      try {
        const result = await body()
        output.write(`${live ? '\r\u001b[2K' : ''}  ✓  ${what.padEnd(44)} ${seconds(started)}\n`)
        return result
      } catch (error) {
        output.write(`${live ? '\r\u001b[2K' : ''}  ✗  ${what.padEnd(44)} ${seconds(started)}\n`)
        throw error
      }
    },
    say: (line) => void output.write(`${live ? '\r\u001b[2K' : ''}${line}\n`),
  }
}
