/** Releases that both systems know by the same names, with the cycles or sprints in each. */
export const releases: readonly { name: string; start: string; end: string; cycles: readonly string[] }[] = [
  { name: 'Release 1.0', start: '2025-01-06', end: '2025-06-27', cycles: ['Sprint 1', 'Sprint 2', 'Sprint 3'] },
  { name: 'Release 1.1', start: '2025-06-30', end: '2025-12-19', cycles: ['Sprint 1', 'Sprint 2'] },
  { name: 'Release 2.0', start: '2026-01-05', end: '2026-12-18', cycles: ['Sprint 1', 'Sprint 2', 'Sprint 3'] },
]
