import { expect, it } from 'vitest'
import { closeTo } from './close-words.ts'

it('offers words that somebody may have meant, the closest first, and none that mean something else', () => {
  const fields = ['severity', 'priority', 'detected-by', 'detected-in-rel', 'owner', 'user-01', 'user-02', 'user-12']
  expect(closeTo('severty', fields)).toEqual(['severity'])
  expect(closeTo('Detected_By', fields)).toEqual(['detected-by'])
  expect(closeTo('user-1', fields)).toEqual(['user-01', 'user-12'])
  expect(closeTo('colour', fields)).toEqual([])
  expect(closeTo('', fields)).toEqual([])
})
