import type { ServerDate } from './contract.ts'

interface Sample {
  date: number
  receivedAt: number
  offsetMs: number
  uncertaintyMs: number
}

/** A quick answer tells the clock better than a slow one; so long it is preferred to those that follow. */
const keptMs = 60_000

/** Learns a server's clock from the headers of its answers. */
export function createDateWatch() {
  let latest: Sample | null = null
  let best: Sample | null = null

  /** `sentAt`: when the request was sent, by `performance.now()`; called as soon as the headers are there. */
  function take(headers: Readonly<Record<string, string | string[] | undefined>>, sentAt: number): void {
    // What a cache answers tells the time at which it was stored.
    if (Number(headers.age ?? 0) > 0) return
    const date = Date.parse(String(headers.date ?? ''))
    if (Number.isNaN(date)) return
    const receivedAt = performance.now()
    const half = (receivedAt - sentAt) / 2
    // The header is cut to whole seconds, and was written somewhere between the request and its answer.
    const sample = {
      date,
      receivedAt,
      offsetMs: date + 500 - (Date.now() - half),
      uncertaintyMs: 500 + half,
    }
    latest = sample
    const jumped =
      best !== null && Math.abs(best.offsetMs - sample.offsetMs) > best.uncertaintyMs + sample.uncertaintyMs
    if (best === null || jumped || sample.uncertaintyMs <= best.uncertaintyMs || receivedAt - best.receivedAt > keptMs)
      best = sample
  }

  return {
    take,
    latest: (): ServerDate | null =>
      latest === null || best === null
        ? null
        : {
            date: `${new Date(latest.date).toISOString().slice(0, 19)}Z`,
            ageMs: performance.now() - latest.receivedAt,
            offsetMs: Math.round(best.offsetMs),
            uncertaintyMs: Math.ceil(best.uncertaintyMs),
          },
  }
}
