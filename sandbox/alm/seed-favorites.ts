import type { AlmStore, AlmWriter } from './store.ts'

/** The modules that have favorites, with what they show. */
const modules = [
  { id: '0', entity: 'defect' },
  { id: '3', entity: 'requirement' },
] as const

const column = (entity: string, name: string) =>
  `<Column><Entity>${entity}</Entity><Name>${name}</Name><Width>60</Width></Column>`

const saved: readonly { name: string; module: '0' | '3'; owner: string; open: boolean; where: string }[] = [
  {
    name: 'Open blockers',
    module: '0',
    owner: 'ann',
    open: true,
    where:
      '<Field Name="status" Value="New OR Open OR Reopen"/><Field Name="severity" Value="\'4-Very High\' OR 5-Urgent"/>',
  },
  { name: 'Mine', module: '0', owner: 'sync', open: false, where: '<Field Name="owner" Value="[CurrentUser]"/>' },
  { name: 'Not yours', module: '0', owner: 'ann', open: false, where: '<Field Name="priority" Value="1-Low"/>' },
  { name: 'Functional', module: '3', owner: 'sync', open: true, where: '<Field Name="type-id" Value="3"/>' },
]

/** Public and private folders of each module, and a few favorites of several people. */
export function seedFavorites(store: AlmStore): void {
  const seeded = (user: string): AlmWriter => ({ user, session: null, via: 'seed' })
  store.startIds('favorite-folder', 1_001)
  store.startIds('favorite', 1_001)
  for (const { id, entity } of modules) {
    const [shared, own] = (['Y', 'N'] as const).map((open) =>
      store.create(
        'favorite-folder',
        {
          name: open === 'Y' ? 'Public' : 'Private',
          'module-id': id,
          'parent-id': '-1',
          owner: null,
          'is-public': open,
        },
        seeded('seed'),
      ),
    )
    for (const favorite of saved) {
      if (favorite.module !== id) continue
      store.create(
        'favorite',
        {
          name: favorite.name,
          'module-id': id,
          'parent-id': String((favorite.open ? shared : own)?.id),
          'is-public': favorite.open ? 'Y' : 'N',
          filter: `<Filter Entity="${entity}" KeepHierarchical="false"><Where>${favorite.where}</Where><Grouping/><Sort><Field Order="1" Direction="Ascending" Name="id"/></Sort></Filter>`,
          layout: `<Layout><ViewLogicalName/><VisibleColumns>${column(entity, 'id')}${column(entity, 'name')}</VisibleColumns></Layout>`,
        },
        seeded(favorite.owner),
      )
    }
  }
}
