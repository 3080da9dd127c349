import fc from 'fast-check'
import sanitizeHtml from 'sanitize-html'
import { describe, expect, it } from 'vitest'
import { canonicalMemo, lostInMemo, memoText, textToMemo, unreadableMemo, wrapMemo } from '../memo.ts'
import { readRichText } from './canonical.ts'

/** What people paste and what people attack with, in pieces. */
const pieces = fc.constantFrom(
  ...[
    '<p>|</p>|<b>|</b>|<strong>|</strong>|<i>|</i>|<u>|</u>|<br>|<br/>|<hr>|<ul>|<li>|</ul>|<ol start=3>|</ol>|<table>|<tr>|<td>|</td>|</table>',
    '<thead>|<th colspan=2>|<tbody>|<caption>|<pre>|</pre>|<code>|</code>|<div>|</div>|<center>|</center>|<h1>|</h2>|<blockquote>',
    '<font color=red>|</font>|<span style="color:red;;">|<span style="white-space:pre-wrap">|<span style="font-weight:bold">|</span>',
    '<a href="http://x?a=1&b=2">|<a href="javascript:x()">|<a name=x>|</a>|<img src="http://x/y.png">|<img src=x onerror=y>',
    '<script>|</script>|<style>|</style>|<textarea>|</textarea>|<title>|<svg>|</svg>|<math>|<mtext>|<iframe>|<form>|<input type=checkbox>',
    '<!--|-->|<![if !supportLists]>|<![endif]>|<o:p>|</o:p>|<p dir=rtl>|<select>|<option>|<button>|<template>|<noscript>|<xmp>|<frameset>',
    ' |\n|\t|  |text|more words|&nbsp;|&lt;|&amp;|&#1;|&#xD800;|\u0000|\u000b|\ud800|\udc00|\u{1F600}|שלום|"|\'|<|>|</|=|\ufffe',
  ].flatMap((line) => line.split('|')),
)
const soup = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(''))

describe('the canonical form', () => {
  it('of a canonical form is itself, whatever it was made of', () => {
    fc.assert(
      fc.property(soup, (html) => {
        const once = canonicalMemo(html)
        expect(unreadableMemo(once)).toBeNull()
        if (once === null) return
        expect(readRichText(once)).toEqual({ canonical: once, lost: [] })
        expect(readRichText(wrapMemo(once)).canonical).toBe(once)
        // A server's pretty-printing: line feeds where a tag of a block begins or ends.
        if (!once.includes('<pre')) {
          const printed = once.replace(/<(\/?(?:p|div|ul|ol|li|table|tr|td|th|blockquote|h[1-6])\b[^>]*)>/g, '\n<$1>\n')
          expect(readRichText(printed).canonical).toBe(once)
        }
      }),
      { numRuns: 1_500 },
    )
  })

  it('holds nothing that acts, as another sanitizer on another parser sees it', () => {
    fc.assert(
      fc.property(soup, (html) => {
        const once = canonicalMemo(html) ?? ''
        const again = sanitizeHtml(once, {
          allowedTags:
            'a abbr b bdi bdo blockquote br caption cite code dd dfn div dl dt h1 h2 h3 h4 h5 h6 hr i img input kbd li mark ol p pre q rp rt ruby s samp small span sub sup table td tfoot th thead tr u ul var'.split(
              ' ',
            ),
          allowedAttributes: {
            '*': ['style', 'dir'],
            a: ['href', 'name', 'title'],
            img: ['src', 'alt', 'title', 'width', 'height'],
            input: ['type', 'checked'],
            ol: ['start', 'reversed'],
            li: ['value'],
            td: ['colspan', 'rowspan'],
            th: ['colspan', 'rowspan'],
            table: ['border', 'cellpadding', 'cellspacing'],
          },
          allowedSchemes: ['http', 'https', 'mailto'],
          parseStyleAttributes: false,
          selfClosing: [],
          nonBooleanAttributes: [],
        })
        const bare = (text: string) =>
          text.replace(/<\/(?:br|hr|img|input)>|\s|&nbsp;|\u00a0|&quot;|"|=(?="")|=$/g, '').replace(/=/g, '')
        expect(bare(again)).toBe(bare(once))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['a script in a link', '<a href="java&#10;script:alert(1)">x</a>', 'x'],
    ['a script in a link behind a control character', '<a href="\u0001javascript:alert(1)">x</a>', 'x'],
    ['a document in a link', '<a href="data:text/html,<script>alert(1)</script>">x</a>', 'x'],
    ['a drawing as an image', '<img alt="x" src="data:image/svg+xml;base64,PHN2Zz4=">', '<img alt="x">'],
    ['an image with a handler', '<img src="http://x/y.png" onerror="alert(1)">', '<img src="http://x/y.png">'],
    ['an address in a style', '<p style="background:url(javascript:x);color:red">x</p>', '<p style="color: red">x</p>'],
    ['an escape in a style', '<p style="c\\6flor:expression(x); position:fixed;top:0">x</p>', '<p>x</p>'],
    ['a quote that hides a rule', `<p style="font-family:'a;color:red;b'">x</p>`, '<p>x</p>'],
    ['markup in markup of another kind', '<svg><style><img src=x onerror=alert(1)></style></svg>x', '<img src="x">x'],
    ['markup in raw text', '<noscript><p title="</noscript><img src=x onerror=alert(1)>">x', '<img src="x">"&gt;x'],
    ['an id that scripts would find', '<p id="cookie" class="x" data-x="y">x</p>', '<p>x</p>'],
  ])('leaves out %s', (_name, html, canonical) => {
    expect(canonicalMemo(html)).toBe(canonical)
  })

  it.each([
    ['the names of old and new editors', '<strong>a</strong><em>b</em><del>c</del>', '<b>a</b><i>b</i><s>c</s>'],
    [
      'fonts and styles',
      '<font color="#F00" face=Arial size=5>a</font>',
      '<span style="color: #ff0000; font-family: Arial; font-size: x-large">a</span>',
    ],
    ['spellings of colours', '<span style="color:RGB(255, 0, 0)">a</span>', '<span style="color: #ff0000">a</span>'],
    ['bold by style', '<span style="font-weight:700">a</span>', '<b>a</b>'],
    [
      'alignment of old and new',
      '<div align="CENTER">a</div><center>b</center>',
      '<div style="text-align: center">a</div><div style="text-align: center">b</div>',
    ],
    ['the direction of a whole document', '<html dir="rtl"><body>\nשלום\n</body></html>', '<div dir="rtl">שלום</div>'],
    [
      'empty lines of all editors',
      '<p><br /></p><p>&nbsp;</p><p> &nbsp; </p><p></p>x',
      '<p>&nbsp;</p><p>&nbsp;</p><p>&nbsp;</p>x',
    ],
    ['a break at the end of a line', '<p>a<br></p><div>b<br>\n</div>', '<p>a</p><div>b</div>'],
    ['white space that counts by style', '<p style="white-space:pre">a\n  b</p>', '<p>a<br>&nbsp; b</p>'],
    ['empty lines around code', '<pre>\n\n  a\n\n b\n</pre>', '<pre>  a\n\n b</pre>'],
    [
      'a table of an editor',
      '<figure class="table"><table><colgroup><col></colgroup><tbody><tr><td>a</td></tr></tbody></table></figure>',
      '<table><tr><td>a</td></tr></table>',
    ],
  ])('says %s in one way', (_name, html, canonical) => {
    expect(canonicalMemo(html)).toBe(canonical)
  })

  it('is free of what XML cannot carry', () => {
    const canonical = canonicalMemo(
      '<p title="x">a\u0000\u0001\ud800b&#x1F;&#xFFFE;\u{1F600}</p><a href="/x\ud800" title="\u0002y">z</a>',
    )
    expect(canonical).toBe('<p>a\ufffdb\u{1F600}</p><a href="/x\ufffd" title="y">z</a>')
  })

  it('names the content that it cannot hold', () => {
    expect(
      lostInMemo('<p>a</p><video src=x></video><svg></svg><iframe src=y></iframe><a href="skype:x">b</a>'),
    ).toEqual(['a video', 'a drawing', 'an embedded page', 'a link of the kind "skype:"'])
    expect(
      lostInMemo('<p onclick="x">a</p><script>x</script><style>y</style><!-- z --><a href="javascript:x">b</a>'),
    ).toEqual([])
  })
})

describe('a text beyond all measure', () => {
  const times = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length))
  it.each([
    ['ordinary text', times('<p>some <b>bold</b> text &amp; more</p>', 500_000), true],
    ['one paragraph', `<p>${times('word ', 500_000)}</p>`, true],
    ['blanks', `<p>a${times(' ', 500_000)}b${times('&nbsp;', 500_000)}</p>`, true],
    ['signs', times('<', 500_000), true],
    ['breaks', times('<br>', 500_000), true],
    ['items', times('<li>x', 500_000), true],
    ['pieces that join', times('<b>a<br></b>', 500_000), true],
    ['rules in a style', `<p style="${times('color:red;', 500_000)}">x</p>`, true],
    ['brackets in a style', `<p style="${times('(', 500_000)}">x</p>`, true],
    ['an unclosed comment', `x<!--${times('-', 500_000)}`, true],
    ['elements in elements', times('<div>', 500_000), false],
    [
      'formats that are opened again and again',
      Array.from({ length: 50_000 }, (_, index) => `<p><b id=${index}>`).join(''),
      false,
    ],
    ['attributes', `<p ${Array.from({ length: 150_000 }, (_, index) => `a${index}`).join(' ')}>x`, false],
    ['text that moves out of a table', `<table>${times('x<b>y</b>', 500_000)}`, false],
    [
      'children that move from parent to parent',
      `${times('<b>', 300)}<div>${times('<i></i>x', 500_000)}${times('</b>', 300)}`,
      false,
    ],
    ['length', times('x', 4_000_001), false],
  ])('is read, or left alone whole: %s', (_name, html, readable) => {
    const canonical = canonicalMemo(html)
    expect(unreadableMemo(canonical) === null).toBe(readable)
    if (readable) return
    expect(canonicalMemo(canonical)).toBe(canonical)
    expect(canonicalMemo(`${html} `)).not.toBe(canonical)
    expect(() => wrapMemo(canonical)).toThrow('never written')
  })
})

describe('plain text', () => {
  it('comes back from a memo as it went, blanks and empty lines included', () => {
    const line = fc.array(fc.constantFrom(' ', '  ', 'a', '<b>', '&amp;', '"', 'שלום', '\u{1F600}', '-', '1.'), {
      maxLength: 8,
    })
    const text = fc
      .array(
        line.map((parts) => parts.join('').trimEnd()),
        { minLength: 1, maxLength: 6 },
      )
      .map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, (plain) => {
        const expected = plain.replace(/^\n+/, '').trimEnd()
        expect(memoText(textToMemo(plain))).toBe(expected.trim() === '' ? '' : expected)
      }),
      { numRuns: 1_000 },
    )
  })
})
