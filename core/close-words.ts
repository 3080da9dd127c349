/** So many words are offered at most. */
const mostOffered = 3

/** Words that somebody may have meant by a word that is none of them, the closest first; without regard to case and separators. */
export function closeTo(word: string, known: readonly string[]): string[] {
  const plain = (text: string) => text.toLowerCase().replace(/[\s_-]+/g, '')
  const asked = plain(word)
  const far = Math.max(1, Math.floor(asked.length / 3))
  return known
    .map((one) => ({ one, distance: distance(asked, plain(one)) }))
    .filter(({ distance: edits }) => edits <= far)
    .sort((a, b) => a.distance - b.distance || (a.one < b.one ? -1 : 1))
    .slice(0, mostOffered)
    .map(({ one }) => one)
}

/** How many letters must be put in, taken out or replaced to make one text of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length] ?? 0
}
