/** What a row without a test, or with more to it than its tests, is told to be. */
export type RowState = 'partly' | 'replaced by' | 'not yet' | 'console' | 'no connector yet'

export interface Row {
  /** What is expected, in our own words. */
  expected: string
  /** Absent: the tests that name the row cover it. */
  state?: RowState
  /** What is missing, or what stands in its place and why. */
  words?: string
}

const roles =
  'Users and roles: everybody who reaches the API is its administrator, which is why it listens on loopback.'
const consoleScreen = 'A screen of the console, which is not there yet; the API and the command line tell the same.'
const noJira = 'There is no connector for Jira.'
const mails = 'Mails are written and rendered, but settings of who gets which are not there yet.'
const operations = 'Part of installing and operating, which is not there yet.'

/**
 * The features that Tandem is measured by, numbered for good: tests name these numbers. What is covered by which test is told
 * by the tests themselves, in a comment above them: `// covers 55, 78`.
 */
export const rows: Readonly<Record<number, Row>> = {
  1: { expected: 'Only administrators of a workspace see its settings and its links.', state: 'not yet', words: roles },
  2: {
    expected: 'Whoever sets a link up may choose among the workspaces that are theirs.',
    state: 'not yet',
    words: roles,
  },
  3: {
    expected: 'Only a bridge with its own credential gets work.',
    state: 'not yet',
    words: 'Bridges open secrets with a key of their own, but the queue they poll does not ask who they are.',
  },
  4: {
    expected: 'The service is switched on per space.',
    state: 'replaced by',
    words: 'An installation is there or it is not: nothing has to be enabled, and the service tells its version.',
  },
  5: {
    expected: 'The first steps say what is missing before a link can be made.',
    state: 'console',
    words: 'The command `start` lists the next steps; the console will.',
  },
  6: { expected: 'Credentials are kept under a name and never shown again.' },
  7: {
    expected: 'A secret that is mistyped is found out before it is saved.',
    state: 'replaced by',
    words: 'A test of the connection with it instead of typing it twice.',
  },
  8: { expected: 'API keys open both products.' },
  9: { expected: 'An endpoint is set up once and serves many links.' },
  10: { expected: 'Domains and projects are offered once one is signed in.' },
  11: { expected: 'An endpoint that cannot be reached or let in is not saved, and the reason is told.' },
  12: { expected: 'A new name of an endpoint shows wherever it is used.' },
  13: { expected: 'The project of an endpoint stays what it is once records were synchronized.' },
  14: { expected: 'Addresses of Jira in all their forms.', state: 'no connector yet', words: noJira },
  15: { expected: 'Only the listed issue types of Jira are read.', state: 'no connector yet', words: noJira },
  16: { expected: 'A link is for defects, a backlog or releases, for good.' },
  17: { expected: 'Name and description of a link can be changed.' },
  18: { expected: 'A link is not made with an endpoint that does not answer.' },
  19: { expected: 'A backlog link has at least one pair of types.' },
  20: { expected: 'New records get the default type of their pair.' },
  21: {
    expected: 'Epics take one type of requirement.',
    state: 'replaced by',
    words:
      'Any number of requirement types for any type of Octane, one of them the default; a type belongs to one pair.',
  },
  22: { expected: 'Requirements of types that are not mapped stay where they are.' },
  23: { expected: 'Quality stories are never sent.' },
  24: { expected: 'One choice says where items are managed, and sets rules and winners.' },
  25: { expected: 'A workspace may be linked to several projects.' },
  26: {
    expected: 'A project feeds one workspace.',
    state: 'replaced by',
    words:
      'A project may feed several workspaces, by links whose scopes surely do not overlap; others are refused, naming the other link.',
  },
  27: { expected: 'One link per kind and pair of endpoints.' },
  28: {
    expected: 'Removing a workspace ends its links.',
    state: 'not yet',
    words: 'Workspaces are not removed; a link is.',
  },
  29: { expected: 'A tree of bridges, workspaces, links and types.', state: 'console', words: consoleScreen },
  30: { expected: 'All links at a glance, with state and last run.' },
  31: {
    expected: 'Edits are saved or dropped as a whole.',
    state: 'replaced by',
    words: 'A configuration is saved as a new version, whole or not at all, and who saves second is told.',
  },
  32: {
    expected: 'A changed link runs only after a check.',
    state: 'replaced by',
    words: 'A run checks by itself whatever was not checked yet.',
  },
  33: { expected: 'Connections can be tried at any time without changing anything.' },
  34: { expected: 'The last run of a link, when and how it ended.' },
  35: { expected: 'The state of a link says what to do about it.' },
  36: {
    expected: 'A link that rested for days is checked before it runs.',
    state: 'replaced by',
    words: 'What an endpoint changed is noticed at each run, however long the link rested.',
  },
  37: { expected: 'A filter on the side of Octane limits what is created.' },
  38: { expected: 'A filter on the side of ALM limits what is created.' },
  39: { expected: 'Without a filter every record of the type is taken.' },
  40: {
    expected: 'Filters made in the products can be used.',
    state: 'partly',
    words:
      "Favorites of ALM are used live, so that nobody keeps a copy in step. Octane's REST interface has no documented resource for saved filters: there the link has a filter of its own.",
  },
  41: {
    expected: 'Filters that mean something else each day are refused.',
    state: 'replaced by',
    words:
      'Relative values (me, today, the current release) are evaluated when a run looks; a favorite that cannot be evaluated stops the run and is told before.',
  },
  42: {
    expected: 'No more favorites are offered than can be shown.',
    state: 'replaced by',
    words: 'All favorites are offered, each with what it asks for, and with the reason where it cannot be used.',
  },
  43: { expected: 'Once paired, a record stays in step wherever it goes.' },
  44: { expected: 'Releases of the past are left out or taken along.' },
  45: { expected: 'Requirements below one folder only.' },
  46: { expected: 'Releases below one folder only.' },
  47: { expected: 'What stands outside of the folder stays outside, whatever the filter says.' },
  48: { expected: 'What leaves the folder, and what happens to its children.' },
  49: { expected: 'Folders of two links do not overlap.' },
  50: { expected: 'What stands under what is the same on both sides.' },
  51: {
    expected:
      'A record without a fitting parent lands below the root where the link says so, and is held with words where not.',
  },
  52: { expected: 'Where both sides moved a record, one side wins.' },
  53: { expected: 'A type is added to a link later, with rules and fields of its own.' },
  54: { expected: 'A type is taken out of a link before its records were synchronized, not afterwards.' },
  55: { expected: 'Records are created only where the rules say so.' },
  56: { expected: 'Records are updated only where the rules say so.' },
  57: { expected: 'A deletion is left alone, carried over or undone, as the rules say.' },
  58: { expected: 'Creating implies updating.' },
  59: { expected: 'Arrows show which way a rule goes.', state: 'console', words: consoleScreen },
  60: { expected: 'Each type may have rules of its own.' },
  61: { expected: 'Dates of releases, sprints and cycles that both sides moved go by the side that wins.' },
  62: { expected: 'A record that is missing in complete listings counts as deleted.' },
  63: { expected: 'A deleted record is created anew and its pair goes on.' },
  64: {
    expected: 'A new link comes with the fields mapped that mean the same in both products.',
  },
  65: { expected: 'Fields of the same name and type are mapped on demand, and what is mapped stays as it is.' },
  66: { expected: 'Lists that somebody changed are not mapped by guess.' },
  67: { expected: 'A field that is mapped one way is never written back.' },
  68: { expected: 'Where both sides changed a field, the side that wins is on both.' },
  69: {
    expected: 'A constant is written when a record is created, and never again.',
  },
  70: { expected: 'What the system sets cannot be written.' },
  71: { expected: 'Required fields without a source are told before anything runs.' },
  72: { expected: 'Fields whose types do not fit fail the check.' },
  73: {
    expected: 'Texts too long for the other side are told beforehand and per record.',
    state: 'replaced by',
    words: 'They are held instead of cut: a cut text would come back and destroy the long one.',
  },
  74: { expected: 'Releases, sprints, parents and people become the ones they are on the other side.' },
  75: { expected: 'All values of a set arrive, in whatever order.' },
  76: { expected: 'A list may be mapped to a text, one way.' },
  77: { expected: 'A cycle or sprint is mapped together with its release.' },
  78: { expected: 'After the run that created the twin, a record names it.' },
  79: { expected: 'Each pair of values has its own direction.' },
  80: { expected: 'Phases and statuses are mapped as delivered.' },
  81: { expected: 'A value without counterpart is told by the check, or held with its record.' },
  82: { expected: 'People with the same address are the same.' },
  83: { expected: 'Somebody unknown becomes the default user.' },
  84: { expected: 'Without a default, somebody unknown is told, and tried again once mapped.' },
  85: { expected: 'People are mapped once for all links of two endpoints.' },
  86: { expected: 'The table of people is read from a file, bad lines told by number.' },
  87: { expected: 'The table of people is written to a file that can be read back.' },
  88: { expected: 'Files can be carried as their address.' },
  89: { expected: 'Files are carried as they are, and those too large are told.' },
  90: { expected: 'A changed file is changed on the other side.' },
  91: { expected: 'Files of the same name lose nothing.' },
  92: { expected: 'A file taken away stays or goes, as the link says.' },
  93: { expected: 'A comment appears once on the other side.' },
  94: { expected: 'Names, dates and descriptions of releases, names and dates of sprints and cycles.' },
  95: { expected: 'A rule of Octane that refuses a record is told in its own words, and the run goes on.' },
  96: { expected: 'A status is set in ALM although its workflow would not offer it.' },
  97: { expected: 'Statuses of Jira are reached by its transitions.', state: 'no connector yet', words: noJira },
  98: { expected: 'Nothing is left behind in Jira.', state: 'no connector yet', words: noJira },
  99: { expected: 'A check tells each thing it looked at, with verdict and remedy.' },
  100: { expected: 'What fails its check does not run.' },
  101: { expected: 'A simulation counts what would be written and writes nothing.' },
  102: { expected: 'A run takes what changed since the last one.' },
  103: { expected: 'A full run compares everything.' },
  104: {
    expected: 'A notice says that a full run is needed.',
    state: 'replaced by',
    words: 'A change of rules or mapping makes the records due that it concerns; nobody has to run anything.',
  },
  105: { expected: 'The next run can be asked to be a full one, once.' },
  106: { expected: 'Automatic mode is started and stopped without harm to what runs.' },
  107: { expected: 'How often a link looks is chosen within limits.' },
  108: { expected: 'Runs at times of chosen weekdays.' },
  109: { expected: 'One run per link at a time; another one waits.' },
  110: { expected: 'Limits of how much runs at a time.' },
  111: { expected: 'A change of what is not mapped writes nothing.' },
  112: { expected: 'What Tandem wrote is no change.' },
  113: { expected: 'A run can be cancelled.' },
  114: { expected: 'A locked record is told and tried again.' },
  115: { expected: 'What failed is tried again although nobody touches it.' },
  116: { expected: 'A report of each run.' },
  117: { expected: 'A log of each run, to be filtered.' },
  118: { expected: 'A run has passed, ended with errors, failed or been cancelled.' },
  119: { expected: 'How long history is kept.' },
  120: { expected: 'Open issues stay with the link, whatever becomes of the run.' },
  121: { expected: 'How far a run has come.' },
  122: { expected: 'Mails about new issues.', state: 'not yet', words: mails },
  123: { expected: 'Mails about known issues only together with new ones.', state: 'not yet', words: mails },
  124: { expected: 'Who gets mails is chosen.', state: 'not yet', words: mails },
  125: { expected: 'A digest of all links.', state: 'not yet', words: mails },
  126: { expected: 'A mail when a bridge is upgraded.', state: 'not yet', words: mails },
  127: {
    expected: 'A bridge shows up once it is started.',
    state: 'not yet',
    words:
      'Bridges are listed with their build and when they were last seen; one that stands elsewhere and brings a credential of its own is not there yet.',
  },
  128: { expected: 'The credential of a bridge can be replaced.', state: 'not yet', words: operations },
  129: { expected: 'Several bridges, and links that say which one is theirs.', state: 'not yet', words: operations },
  130: {
    expected: 'Certificates of a private authority.',
    state: 'not yet',
    words:
      'Certificates of authorities that the machine or NODE_EXTRA_CA_CERTS names are taken, as Node does; no test shows it, and no setting of an endpoint names one.',
  },
  131: { expected: 'A proxy that asks who one is.', state: 'not yet', words: operations },
  132: { expected: 'A bridge that renews itself keeps its settings.', state: 'not yet', words: operations },
  133: { expected: 'Secrets are sealed where they are kept.' },
  134: { expected: 'A link looks again from a chosen time.' },
  135: { expected: 'A link forgets what was agreed and compares afresh, without duplicates.' },
  136: { expected: 'A deleted link that is made again doubles nothing.' },
  137: { expected: 'The definition of a link goes out and comes back.' },
  138: { expected: 'A link goes elsewhere with its pairs.' },
  139: {
    expected: 'What another product exported is read.',
    state: 'partly',
    words: 'Its pairs, by the field in which it left the ids or by a file of them; its settings are not read.',
  },
  140: { expected: 'Backups are made and can be restored.', state: 'not yet', words: operations },
}
