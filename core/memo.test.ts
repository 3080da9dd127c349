import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalMemo, memoText, sameMemoContent, wrapMemo } from './memo.ts'

describe('canonicalMemo', () => {
  it.each([
    ['nothing', '<html><body>\n\n</body></html>', null],
    ['an empty paragraph', '<p>&nbsp;</p>', null],
    ['plain text', 'Steps: 1 < 2', 'Steps: 1 &lt; 2'],
    ['the document wrapper', '<html><body>\n<p>Steps</p>\n</body></html>', '<p>Steps</p>'],
    ['line breaks around blocks', '<div>\n  a\n</div>\n<div>b</div>', '<div>a</div><div>b</div>'],
    ['newlines inside text', '<p>one\ntwo   three</p>', '<p>one two three</p>'],
    ['blanks between inline elements', '<p><b>a</b> <i>b</i></p>', '<p><b>a</b> <i>b</i></p>'],
    [
      'tbody and self-closing breaks',
      '<table><tbody><tr><td>1<br />2</td></tr></tbody></table>',
      '<table><tr><td>1<br>2</td></tr></table>',
    ],
    ['the order of attributes', '<a title="t" href="http://x">y</a>', '<a href="http://x" title="t">y</a>'],
    ['active content', '<p onclick="x()">a<script>alert(1)</script><a href="javascript:x()">b</a></p>', '<p>ab</p>'],
    ['preformatted text', '<pre>a\r\n  b</pre>', '<pre>a\n  b</pre>'],
    ['right-to-left text', '<p dir="rtl">שלום</p>', '<p dir="rtl">שלום</p>'],
  ])('%s', (_name, html, canonical) => {
    expect(canonicalMemo(html)).toBe(canonical)
  })

  it('is idempotent on whatever people paste', () => {
    const pieces = fc.constantFrom(
      '<p>',
      '</p>',
      '<b>',
      '</b>',
      '<br>',
      '<ul><li>',
      '</ul>',
      '<table><tr><td>',
      '</table>',
      ' ',
      '\n',
      'text',
      '&nbsp;',
      '&lt;',
      '<!-- c -->',
      '<div>',
      '</div>',
      '<pre>',
      '</pre>',
      '<img src="http://x/y.png">',
      'שלום',
      '<a href="http://x?a=1&b=2">',
      '</a>',
      '<span style="color:red;;">',
      '</span>',
      '"',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const once = canonicalMemo(parts.join(''))
        expect(canonicalMemo(once)).toBe(once)
        expect(canonicalMemo(wrapMemo(once))).toBe(once)
      }),
      { numRuns: 3_000 },
    )
  })

  it('shows its text with a line per block', () => {
    expect(memoText('<p>one</p><ul><li>two</li><li>three<br>four</li></ul>')).toBe('one\ntwo\nthree\nfour')
  })

  it('finds the same content in another dress, and another content out', () => {
    expect(sameMemoContent('<p><b>a</b> b</p>', '<div><strong>a</strong> b</div>')).toBe(true)
    expect(sameMemoContent('<p>a</p>', '<p>a!</p>')).toBe(false)
    expect(sameMemoContent('<a href="http://x">a</a>', '<a href="http://y">a</a>')).toBe(false)
    expect(sameMemoContent('<ul><li>a</li><li>b</li></ul>', '<ul><li>a b</li></ul>')).toBe(false)
  })
})
