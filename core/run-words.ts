import type { RunStatus } from './run.ts'

/** A run's status as the end of the sentence "the synchronization ...". */
export const statusWords: Record<RunStatus, string> = {
  running: 'is running',
  passed: 'passed',
  'with-errors': 'finished with errors',
  failed: 'failed',
  interrupted: 'was interrupted',
  cancelled: 'was cancelled',
}

/** A length of time for people, in the largest unit that is not too coarse: "40 seconds", "14 minutes", "3 hours", "2 days". */
export function durationWords(seconds: number): string {
  const say = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 120) return say(whole, 'second')
  if (whole < 7_200) return say(Math.round(whole / 60), 'minute')
  if (whole < 172_800) return say(Math.round(whole / 3_600), 'hour')
  return say(Math.round(whole / 86_400), 'day')
}
