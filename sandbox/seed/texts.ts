import type { Random } from './random.ts'

const things = [
  'Login',
  'Search',
  'Export',
  'Invoice',
  'Report',
  'Upload',
  'Calendar',
  'Basket',
  'Mail',
  'Print',
  'Profile',
  'Audit',
]
const troubles = [
  'fails for long names',
  'shows the wrong total',
  'hangs after 30 seconds',
  'loses the second line',
  'is NOT possible in read-only mode',
  'accepts AND stores an empty date',
  'ignores "quotes" in names',
  "doesn't keep the user's choice",
  'doubles entries <on retry>',
  'breaks with 100% zoom & dark mode',
  'schlägt fehl bei Umlauten (äöüß)',
  'падает при пустом поле',
  'נכשל עבור משתמשים חדשים',
  'يفشل عند الحفظ',
  '在空白页面上失败',
  'で文字化けする',
  'crashes 💥 on emoji',
]

/** A title as people write them: several scripts, quotes, operators, blanks at the edges now and then. */
export function defectTitle(random: Random, number: number): string {
  const title = `${random.pick(things)} ${random.pick(troubles)} (#${number})`
  return random.chance(0.02) ? ` ${title}` : title
}

const paragraphs = [
  '<p>Steps to reproduce:</p><ol><li>Open the page</li><li>Enter <b>a long name</b></li><li>Press <i>Save</i></li></ol>',
  '<p>Expected: the entry is stored once.<br>Actual: it is stored twice.</p>',
  '<table border="1"><tr><th>Browser</th><th>Result</th></tr><tr><td>Firefox</td><td>fails</td></tr><tr><td>Chrome</td><td>works</td></tr></table>',
  '<pre>Error: NullPointerException\n  at com.example.Save(Save.java:42)\n  at com.example.Main(Main.java:7)</pre>',
  '<p>See <a href="https://wiki.example.com/page?id=7&amp;rev=2">the wiki</a> for details.</p>',
  '<p dir="rtl">הבעיה מופיעה רק בעברית, שורה שנייה.</p>',
  '<p class="MsoNormal" style="margin-bottom: 0in"><span style="font-family: Calibri; color: #1f497d">Pasted from a document&nbsp;with styles.</span></p>',
  '<ul><li>first</li><li>second<ul><li>nested</li></ul></li></ul>',
  '<p>Кириллица, 中文, العربية and &lt;tags&gt; &amp; entities &euro; 5.</p>',
  '<p>Screenshot: <img src="https://files.example.com/shot.png" alt="shot"></p>',
]

/** A memo of one to four blocks; null now and then. */
export function memoHtml(random: Random): string | null {
  if (random.chance(0.08)) return null
  const blocks = Array.from({ length: random.between(1, 4) }, () => random.pick(paragraphs))
  return blocks.join('\n')
}

/** What people say below a defect. */
export const commentTexts: readonly string[] = [
  'Cannot reproduce on the newest build.',
  'Fixed in revision 4711, please <b>test again</b>.',
  'Tritt auch bei Kunden mit <i>Umlauten</i> auf.',
  'See log:<br>Error 500 at step 3',
  'Reopened: total &lt; 0 still possible.',
]
