import { readFileSync } from 'node:fs'
import Handlebars from 'handlebars'
import { type NoticeData, type NoticeName, noticeData } from './notices.ts'

export interface RenderedNotice {
  subject: string
  html: string
  text: string
}

type Part = 'subject' | 'html' | 'text'

const compiled = new Map<string, Handlebars.TemplateDelegate>()

function template(name: NoticeName, part: Part): Handlebars.TemplateDelegate {
  const key = `${name}/${part}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  const source = readFileSync(new URL(`./${key}.hbs`, import.meta.url), 'utf8')
  // Strict: a name that the data lacks is an error, not a gap in somebody's mail. Only html is escaped.
  const handlebars = Handlebars.create()
  handlebars.registerPartial('page', readFileSync(new URL('./partials/page.hbs', import.meta.url), 'utf8'))
  const made = handlebars.compile(source, { strict: true, noEscape: part !== 'html' })
  compiled.set(key, made)
  return made
}

/** Fills a notice's templates. Throws when the data does not fit the notice. */
export function renderNotice<N extends NoticeName>(name: N, data: NoticeData<N>): RenderedNotice {
  const checked = noticeData[name].parse(data)
  return {
    subject: template(name, 'subject')(checked).replace(/\s+/g, ' ').trim(),
    html: template(name, 'html')(checked),
    text: `${template(name, 'text')(checked).trim()}\n`,
  }
}
