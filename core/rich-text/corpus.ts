import type { Construct } from './constructs.ts'

/** A text as an endpoint holds it. */
export interface Sample {
  topic: Topic
  name: string
  html: string
  /** What it is made of besides its text: what must be found again for it to have survived. */
  constructs: readonly Construct[]
}

export type Topic =
  | 'paragraphs'
  | 'headings'
  | 'lists'
  | 'tables'
  | 'code'
  | 'links'
  | 'images'
  | 'colours and fonts'
  | 'right-to-left'
  | 'characters'
  | 'pasted Word'
  | 'quotations'
  | 'line breaks'
  | 'long texts'
  | 'broken markup'
  | 'plain text'

/** The document that ALM stores around a text, pretty-printed as it is there. */
const alm = (inner: string) => `<html><body>\n${inner}\n</body></html>`
/** What ALM's desktop client writes around each line. */
const almLine = (inner: string) =>
  `<div align="left"><font face="Arial"><span style="font-size:8pt">${inner}</span></font></div>`
const octane = (inner: string) => `<html><body>\n${inner}\n</body></html>`
const octaneImage = '/api/shared_spaces/1001/workspaces/1002/attachments/4711/screen%20shot.png'
const almImage =
  'https://alm.example.org/qcbin/rest/domains/DEFAULT/projects/Demo/defects/17/attachments/screen%20shot.png'
const png =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const sample = (topic: Topic, name: string, html: string, ...made: Construct[]): Sample => ({
  topic,
  name,
  html,
  constructs: ['text', ...made],
})

/** Texts of the kinds that people keep in ALM and Octane: what a mapping's fidelity is measured on. */
export const corpus: readonly Sample[] = [
  sample(
    'paragraphs',
    'lines of ALM',
    alm(`${almLine('Login fails.')}\n${almLine('Every time.')}`),
    'paragraph',
    'font',
  ),
  sample(
    'paragraphs',
    'paragraphs of Octane',
    octane('<p>Login fails.</p><p>Every <strong>time</strong>.</p>'),
    'paragraph',
    'bold',
  ),
  sample(
    'paragraphs',
    'empty paragraphs',
    octane('<p>Before</p><p>&nbsp;</p><p><br></p><p>After</p>'),
    'paragraph',
    'line break',
  ),
  sample(
    'paragraphs',
    'empty lines of ALM',
    alm(`${almLine('Before')}<div><br /></div>${almLine('After')}`),
    'line break',
  ),
  sample(
    'paragraphs',
    'emphasis',
    octane('<p><b>a</b> <i>b</i> <u>c</u> <s>d</s> <em>e</em> <del>f</del></p>'),
    'bold',
    'italic',
    'underline',
    'strikethrough',
  ),
  sample(
    'paragraphs',
    'emphasis within emphasis',
    octane('<p><strong>a <em>b <u>c</u></em></strong></p>'),
    'bold',
    'italic',
    'underline',
  ),
  sample(
    'paragraphs',
    'sub- and superscript',
    octane('<p>H<sub>2</sub>O and m<sup>2</sup></p>'),
    'sub- and superscript',
  ),
  sample(
    'paragraphs',
    'alignment',
    alm('<p align="center">middle</p><div style="text-align:right">right</div><center>old</center>'),
    'alignment',
  ),
  sample('paragraphs', 'indentation by blanks', octane('<p>&nbsp;&nbsp;&nbsp; indented</p>'), 'paragraph'),
  sample('paragraphs', 'a rule between', octane('<p>a</p><hr><p>b</p>'), 'rule'),

  sample(
    'headings',
    'all levels',
    octane('<h1>One</h1><h2>Two</h2><h3>Three</h3><h4>Four</h4><h5>Five</h5><h6>Six</h6><p>text</p>'),
    'heading',
  ),
  sample(
    'headings',
    'with format',
    octane('<h2><span style="color:#336699">Steps</span> to <em>reproduce</em></h2>'),
    'heading',
    'colour',
    'italic',
  ),
  sample(
    'headings',
    'between lists',
    octane('<h3>Given</h3><ul><li>a user</li></ul><h3>Then</h3><ul><li>an error</li></ul>'),
    'heading',
    'list',
  ),

  sample('lists', 'bullets', octane('<ul><li>one</li><li>two</li><li>three</li></ul>'), 'list'),
  sample('lists', 'numbers', alm('<ol>\n<li>open</li>\n<li>click</li>\n<li>see</li>\n</ol>'), 'list', 'numbering'),
  sample(
    'lists',
    'within lists',
    octane('<ul><li>one<ul><li>one a<ol><li>deep</li></ol></li><li>one b</li></ul></li><li>two</li></ul>'),
    'list',
    'numbering',
  ),
  sample(
    'lists',
    'numbers that go on',
    octane('<ol><li>one</li></ol><p>pause</p><ol start="2"><li>two</li><li>three</li></ol>'),
    'list',
    'numbering',
  ),
  sample(
    'lists',
    'letters and roman numbers',
    alm('<ol type="a"><li>alpha</li></ol><ol type="I" start="4"><li>four</li></ol>'),
    'list',
    'numbering',
  ),
  sample('lists', 'numbers that jump', octane('<ol><li value="5">five</li><li>six</li></ol>'), 'list', 'numbering'),
  sample(
    'lists',
    'numbers that count down',
    octane('<ol reversed><li>three</li><li>two</li><li>one</li></ol>'),
    'list',
    'numbering',
  ),
  sample(
    'lists',
    'paragraphs in items',
    octane('<ul><li><p>one</p><p>more of it</p></li><li><p>two</p></li></ul>'),
    'list',
    'paragraph',
  ),
  sample(
    'lists',
    'boxes to tick',
    octane(
      '<ul><li><input type="checkbox" checked disabled> done</li><li><input type="checkbox" disabled> open</li></ul>',
    ),
    'list',
    'box to tick',
  ),
  sample('lists', 'definitions', octane('<dl><dt>HTTP</dt><dd>a protocol</dd></dl>')),

  sample(
    'tables',
    'plain',
    alm('<table border="1"><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></tbody></table>'),
    'table',
  ),
  sample(
    'tables',
    'of an editor',
    octane(
      '<figure class="table"><table><thead><tr><th>Browser</th><th>Result</th></tr></thead><tbody><tr><td>Firefox</td><td>fails</td></tr></tbody></table></figure>',
    ),
    'table',
  ),
  sample(
    'tables',
    'merged cells',
    octane(
      '<table><tr><td colspan="2">wide</td></tr><tr><td rowspan="2">tall</td><td>x</td></tr><tr><td>y</td></tr></table>',
    ),
    'table',
    'merged cells',
  ),
  sample('tables', 'empty cells', octane('<table><tr><td></td><td>&nbsp;</td><td>x</td></tr></table>'), 'table'),
  sample(
    'tables',
    'lists and breaks in cells',
    octane('<table><tr><td><ul><li>a</li><li>b</li></ul></td><td>c<br>d</td></tr></table>'),
    'table',
    'list',
    'line break',
  ),
  sample(
    'tables',
    'within a table',
    alm('<table><tr><td><table><tr><td>in</td></tr></table></td><td>out</td></tr></table>'),
    'table',
  ),
  sample(
    'tables',
    'coloured cells and a caption',
    octane(
      '<table><caption>Results</caption><tr><td bgcolor="#ff0000" width="120" align="right">red</td></tr></table>',
    ),
    'table',
    'highlight',
    'alignment',
  ),

  sample(
    'code',
    'a block',
    octane('<pre><code class="language-java">if (a &lt; b) {\n    return  "x";\n}</code></pre>'),
    'code',
  ),
  sample('code', 'a first empty line', octane('<pre>\n\n  first\n\n    second\n</pre>'), 'code'),
  sample('code', 'in a line', octane('<p>Call <code>close()</code> and <tt>open()</tt></p>'), 'code'),
  sample('code', 'markup as text', octane('<pre>&lt;script&gt;alert("x")&lt;/script&gt; &amp;amp;</pre>'), 'code'),
  sample(
    'code',
    'white space by style',
    octane('<div style="white-space: pre-wrap">  one\n\ttwo\n    three</div>'),
    'line break',
  ),
  sample(
    'code',
    'a stack trace in ALM',
    alm(
      `<div>java.lang.NullPointerException<br />\n&nbsp;&nbsp;&nbsp;at a.b.C.d(C.java:1)<br />\n&nbsp;&nbsp;&nbsp;at e.F.&lt;init&gt;(F.java:2)</div>`,
    ),
    'line break',
  ),

  sample(
    'links',
    'an address',
    octane('<p><a href="https://example.org/a?b=1&amp;c=2#d" target="_blank" rel="noopener">here</a></p>'),
    'link',
  ),
  sample('links', 'mail', octane('<p><a href="mailto:jo@example.org?subject=A%20B">Jo</a></p>'), 'link'),
  sample(
    'links',
    'relative',
    octane('<p><a href="/ui/entity-navigation?p=1001/1002&entityType=work_item&id=7">item 7</a></p>'),
    'link',
  ),
  sample('links', 'a file share', alm('<p><a href="file://///server/share/a%20b.docx">document</a></p>'), 'link'),
  sample(
    'links',
    'a record of ALM',
    alm('<p><a href="td://demo.default.alm.example.org/qcbin/[Defects]?ID=7">defect 7</a></p>'),
    'link',
  ),
  sample(
    'links',
    'format within',
    octane('<p><a href="https://example.org"><b>bold</b> and <span style="color:red">red</span></a></p>'),
    'link',
    'bold',
    'colour',
  ),
  sample(
    'links',
    'quotes and other scripts',
    octane('<p><a href="https://example.org/?q=&quot;ä&quot;&amp;r=שלום" title="a &quot;b&quot;">x</a></p>'),
    'link',
  ),

  sample('images', 'attached in Octane', octane(`<p>See <img src="${octaneImage}" width="300"></p>`), 'image'),
  sample('images', 'attached in ALM', alm(`<div>See <img src="${almImage}" /></div>`), 'image'),
  sample('images', 'elsewhere', octane('<p>our <img src="https://example.org/logo.png" alt="logo"></p>'), 'image'),
  sample(
    'images',
    'in the text',
    octane(`<figure class="image"><img src="${png}"><figcaption>a dot</figcaption></figure>`),
    'image',
  ),

  sample('colours and fonts', 'old', alm('<font color="#ff0000" size="5" face="Arial">red</font>'), 'colour', 'font'),
  sample(
    'colours and fonts',
    'new',
    octane(
      '<p><span style="color:rgb(0, 128, 0);background-color:yellow;font-family:&quot;Courier New&quot;,monospace;font-size:14px">green</span></p>',
    ),
    'colour',
    'highlight',
    'font',
  ),
  sample('colours and fonts', 'a marker', octane('<p>very <mark>important</mark></p>'), 'highlight'),
  sample(
    'colours and fonts',
    'of a paragraph',
    octane('<p style="color:#00f;margin-left:40px">blue</p>'),
    'colour',
    'paragraph',
  ),
  sample(
    'colours and fonts',
    'weight by style',
    octane('<p><span style="font-weight:700;font-style:italic;text-decoration:underline line-through">all</span></p>'),
    'bold',
    'italic',
    'underline',
    'strikethrough',
  ),

  sample('right-to-left', 'Hebrew', octane('<p dir="rtl">שלום עולם</p>'), 'right-to-left', 'paragraph'),
  sample(
    'right-to-left',
    'Arabic by style',
    alm('<div style="direction:rtl;text-align:right">مرحبا <b>بالعالم</b></div>'),
    'right-to-left',
    'bold',
  ),
  sample(
    'right-to-left',
    'a whole document',
    '<html dir="rtl"><body>\n<p>שלום</p><p>abc</p>\n</body></html>',
    'right-to-left',
  ),
  sample(
    'right-to-left',
    'mixed in a line',
    octane('<p>The file <span dir="rtl">קובץ.txt</span> and <bdo dir="rtl">abc</bdo> \u200fmarks\u200e</p>'),
    'right-to-left',
  ),
  sample(
    'right-to-left',
    'a list',
    octane('<ol dir="rtl"><li>אחת</li><li>שתיים</li></ol>'),
    'right-to-left',
    'list',
    'numbering',
  ),

  sample(
    'characters',
    'entities',
    octane('<p>&lt;tag&gt; &amp;amp; &quot;x&quot; &copy; &euro; &#8364; &#x20AC; &nbsp;|</p>'),
  ),
  sample(
    'characters',
    'emoji and rare scripts',
    octane('<p>\u{1F600} \u{1F468}\u200d\u{1F469}\u200d\u{1F467} 漢字 𠮷 Ünï e\u0301</p>'),
  ),
  sample('characters', 'blanks of all kinds', octane('<p>a&nbsp;b a\u2009b a\u200bb a&shy;b</p>')),
  sample('characters', 'what XML cannot carry', octane('<p>a\u0000b\u000bc&#1;d\ud800e</p>')),
  sample('characters', 'typographic', octane('<p>“quoted” – and ‘so’… • 50 % ± ½</p>')),

  sample(
    'pasted Word',
    'a paragraph',
    `<!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]--><style>p.MsoNormal{margin:0cm}</style><p class=MsoNormal style='margin-bottom:0cm;line-height:normal'><b style='mso-bidi-font-weight:normal'><span lang=EN-US style='font-size:12.0pt;font-family:"Times New Roman",serif;mso-fareast-language:DE'>Summary<o:p></o:p></span></b></p>`,
    'bold',
    'font',
    'paragraph',
  ),
  sample(
    'pasted Word',
    'a list of paragraphs',
    `<p class=MsoListParagraph style='margin-left:36.0pt;text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span style='font-family:Symbol;mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;&nbsp; </span></span><![endif]>first point<o:p></o:p></p>`,
    'paragraph',
    'font',
  ),
  sample(
    'pasted Word',
    'a table',
    `<table class=MsoTableGrid border=1 cellspacing=0 cellpadding=0 style='border-collapse:collapse;mso-border-alt:solid windowtext .5pt'><tr style='mso-yfti-irow:0'><td width=302 valign=top style='width:226.55pt;border:solid windowtext 1.0pt;padding:0cm 5.4pt'><p class=MsoNormal>Step<o:p></o:p></p></td><td width=302><p class=MsoNormal>Result</p></td></tr></table>`,
    'table',
  ),
  sample(
    'pasted Word',
    'smart tags and tracked changes',
    `<p class=MsoNormal><st1:place w:st="on">Berlin</st1:place> <ins cite="mailto:x" datetime="2020">new</ins> <del>old</del> <u style='text-underline:double'>u</u></p>`,
    'underline',
    'strikethrough',
  ),

  sample(
    'quotations',
    'a mail',
    octane('<blockquote><p>They wrote</p><blockquote><p>earlier</p></blockquote></blockquote><p>answer</p>'),
    'quotation',
    'paragraph',
  ),
  sample(
    'quotations',
    'comments of ALM',
    alm(
      '<div>text</div><div>________________________________________</div><div><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b></div><div>done</div>',
    ),
    'bold',
  ),

  sample('line breaks', 'in a paragraph', octane('<p>one<br>two<br/>three</p>'), 'line break'),
  sample('line breaks', 'empty lines', alm('<div>one<br /><br />three</div>'), 'line break'),
  sample('line breaks', 'at the end', octane('<p>one<br></p><p>two</p>'), 'line break'),
  sample('line breaks', 'pretty-printed', alm('<div>\n  <p>\n    one\n    two\n  </p>\n</div>')),

  sample(
    'long texts',
    'many paragraphs',
    octane(Array.from({ length: 400 }, (_, at) => `<p>Line ${at + 1} of a <b>long</b> text.</p>`).join('')),
    'paragraph',
    'bold',
  ),
  sample('long texts', 'a long line', octane(`<p>${'word '.repeat(4_000)}end</p>`), 'paragraph'),

  sample('broken markup', 'unclosed', '<p>one<b>two<ul><li>three<li>four<p>five', 'bold', 'list'),
  sample('broken markup', 'misnested', '<p><b>a<i>b</b>c</i></p>', 'bold', 'italic'),
  sample('broken markup', 'a table in a paragraph', '<p>before<table><td>x<tr><td>y</table>after</p>', 'table'),
  sample(
    'broken markup',
    'a document within a document',
    '<html><body><p>a</p></body></html><html><body><p>b</p></body></html>',
    'paragraph',
  ),
  sample('broken markup', 'a quote left open', '<p>a</p><a href="https://example.org/>link</a><p title="x">b</p>'),
  sample('broken markup', 'close tags without open ones', '</div></p>text</b></td>'),

  sample('plain text', 'a comparison', 'if a < b && b > c then "x"'),
  sample('plain text', 'something like a tag', 'List<String> x; a <- b; 1<2'),
  sample('plain text', 'an address', 'see https://example.org/?a=1&b=2'),
]
