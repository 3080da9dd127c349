import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type NoticeData, type NoticeName, noticeData } from './notices.ts'
import { renderNotice } from './render.ts'

function sample<N extends NoticeName>(name: N): NoticeData<N> {
  return JSON.parse(readFileSync(new URL(`./${name}/sample.json`, import.meta.url), 'utf8')) as NoticeData<N>
}

describe('notices', () => {
  it.each(Object.keys(noticeData) as NoticeName[])('%s renders its sample in all three parts', (name) => {
    const { subject, html, text } = renderNotice(name, sample(name))
    expect(subject).toMatch(/^\[Tandem\] /)
    for (const part of [subject, html, text]) expect(part).toContain(sample(name).link)
    for (const part of [html, text]) expect(part).toContain(sample(name).url)
    expect(html).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\s*$/)
    expect(`${subject}${html}${text}`).not.toContain('{{')
  })

  it('lists the issues of a run in html and text', () => {
    const { html, text } = renderNotice('run-issues', sample('run-issues'))
    for (const part of [html, text]) expect(part).toContain('ALM 41, Octane 2007')
  })

  it('says whose turn an issue is, and nobody for one that settles by itself', () => {
    const { html, text } = renderNotice('run-issues', sample('run-issues'))
    for (const part of [html, text]) {
      expect(part).toContain('For an administrator: Add a value mapping')
      expect(part).toMatch(/[\s>]Nothing to do: it is tried again/)
    }
  })

  it('escapes what people wrote into records, in html only', () => {
    const { html, text } = renderNotice('run-issues', sample('run-issues'))
    expect(html).toContain('&lt;b&gt;')
    expect(html).not.toContain('<b>')
    expect(text).toContain('<b>')
  })

  it('keeps a subject on one line, whatever the link is called', () => {
    expect(
      renderNotice('run-issues', { ...sample('run-issues'), link: 'a\r\nBcc: x@example.com' }).subject,
    ).not.toMatch(/[\r\n]/)
  })

  it('refuses data that lacks something', () => {
    const { url: _url, ...lacking } = sample('run-issues')
    expect(() => renderNotice('run-issues', lacking as NoticeData<'run-issues'>)).toThrow(/url/)
  })
})
