import { describe, expect, it } from 'vitest'
import { historyResetWords, inServerWords, timeResetWords } from './reset.ts'

describe('a moment in the words of a server', () => {
  it('is exact where the server tells times with a zone', () => {
    expect(inServerWords('2026-11-20T09:00:00+01:00', '2026-11-25T12:00:00Z')).toBe('2026-11-20T08:00:00Z')
  })

  it('is the earliest that any clock can have shown where it does not', () => {
    expect(inServerWords('2026-11-20T08:00:00Z', '2026-11-25 12:00:00')).toBe('2026-11-19 20:00:00')
  })
})

describe('words before a reset', () => {
  it('name what is read again on each side', () => {
    const side = { side: 'left', endpoint: 'alm', readFrom: 'T', from: 'then', records: 1 } as const
    const fresh = { side: 'right', endpoint: 'octane', readFrom: null, from: null, records: 0 } as const
    const words = timeResetWords([side, fresh], { pairs: 2, unpaired: 1 })
    expect(words[0]).toBe('alm is listed again from then (by itself: from T); 1 known record modified since then.')
    expect(words[1]).toContain('has not been read yet')
    expect(words[2]).toContain('2 pairs would be compared again, and 1 record without twin')
  })

  it('warn of edits that were not carried over, only where there may be some', () => {
    const facts = { pairs: 3, values: 9, frozen: 0, unpaired: 0, waiting: 0, openConflicts: 0 }
    const all = { ...facts, winners: { left: 2, right: 1, ask: 0 } }
    const names = { left: 'alm', right: 'octane' }
    expect(historyResetWords(all, names).join(' ')).not.toContain('lost')
    expect(historyResetWords({ ...all, waiting: 1 }, names).join(' ')).toContain(
      '1 pair waiting and 0 open conflicts: edits that were not carried over yet are lost where the other side wins.',
    )
  })
})
