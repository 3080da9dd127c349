import { expect, it } from 'vitest'
import { windowClass, windowClasses, windowPercentile } from './overwrite-guard.ts'

it('tells percentiles as the ends of classes, and nothing of nothing', () => {
  const counts: number[] = windowClasses.map(() => 0)
  expect(windowPercentile(counts, 0.5)).toBeNull()
  const count = (ms: number, times: number) => {
    const index = windowClass(ms)
    counts[index] = (counts[index] ?? 0) + times
  }
  count(15, 90)
  count(20, 4)
  count(700, 5)
  count(1_000_000, 1)
  expect(windowPercentile(counts, 0.5)).toBe(20)
  expect(windowPercentile(counts, 0.95)).toBe(1_000)
  expect(windowPercentile(counts, 1)).toBe(60_000)
})
