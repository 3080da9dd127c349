/** Lets at most so many calls run at a time, in the order they came; a waiting one can be aborted. */
export interface Limiter {
  run<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export function createLimiter(concurrency: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0

  function acquire(signal?: AbortSignal): Promise<void> {
    if (running < concurrency) {
      running++
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = () => {
        const index = waiting.indexOf(start)
        if (index >= 0) waiting.splice(index, 1)
        reject(signal?.reason)
      }
      waiting.push(start)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  return {
    async run(body, signal) {
      signal?.throwIfAborted()
      await acquire(signal)
      try {
        return await body()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}
