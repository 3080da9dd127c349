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

/** Of so many requests at a time, those that may be halves of streams from one endpoint to another. */
export function createTransferLimiter(concurrency: number): Limiter {
  return createLimiter(Math.max(1, concurrency - 1))
}

/**
 * Works through items in their order, at most so many at a time. What takes several requests per item is finished item by
 * item, so that whoever gives up half-way has some of them done rather than all of them begun.
 */
export async function inOrder<T, R>(
  items: readonly T[],
  concurrency: number,
  body: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  async function work(): Promise<void> {
    while (next < items.length) {
      const index = next++
      results[index] = await body(items[index] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
  return results
}

/** Waits for all to end, so that none is left on its way, and then throws what the first of them failed with. */
export async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === 'rejected') throw one.reason
}
