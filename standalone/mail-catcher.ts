import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { portOr } from './ports.ts'

export interface MailCatcher {
  /** `smtp://127.0.0.1:2525` */
  smtp: string
  /** Address of the page that shows the mails. */
  url: string
  ports: { smtp: number; http: number }
  stop(): Promise<void>
}

const largestMail = 25_000_000

/** A real SMTP server that delivers into a folder, with a page to read what arrived. Nothing leaves the machine. */
export async function startMailCatcher(options: {
  folder: string
  smtpPort: number
  httpPort: number
}): Promise<MailCatcher> {
  const { folder } = options
  mkdirSync(folder, { recursive: true })
  // Not how many there are: somebody may have removed some.
  let counter = Number(names(folder).at(-1)?.replace('.eml', '') ?? 0)

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    size: largestMail,
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => {
        if (!stream.sizeExceeded) chunks.push(chunk)
      })
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          done(Object.assign(new Error('The mail is larger than 25 MB.'), { responseCode: 552 }))
          return
        }
        counter++
        writeFileSync(path.join(folder, `${String(counter).padStart(6, '0')}.eml`), Buffer.concat(chunks))
        done()
      })
    },
  })
  const smtpPort = await portOr(options.smtpPort)
  await new Promise<void>((resolve, reject) => {
    smtp.once('error', reject)
    smtp.listen(smtpPort, '127.0.0.1', () => resolve())
  })
  // A client that breaks off in the middle is no reason to end.
  smtp.on('error', () => undefined)

  const web = createServer((request, response) => {
    page(folder, request.url ?? '/')
      .then(({ status, type, body }) => {
        // What a mail holds is shown in a frame that may run nothing.
        response.writeHead(status, {
          'content-type': type,
          'content-security-policy':
            "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; sandbox allow-same-origin",
        })
        response.end(body)
      })
      .catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' })
        response.end(error instanceof Error ? error.message : String(error))
      })
  })
  const httpPort = await portOr(options.httpPort)
  await new Promise<void>((resolve, reject) => {
    web.once('error', reject)
    web.listen(httpPort, '127.0.0.1', () => resolve())
  })
  const bound = (web.address() as AddressInfo).port
  return {
    smtp: `smtp://127.0.0.1:${smtpPort}`,
    url: `http://127.0.0.1:${bound}`,
    ports: { smtp: smtpPort, http: bound },
    stop: async () => {
      web.closeAllConnections()
      await Promise.all([
        new Promise<void>((resolve) => smtp.close(resolve)),
        new Promise<void>((resolve) => web.close(() => resolve())),
      ])
    },
  }
}

function names(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.eml'))
    .sort()
}

async function read(folder: string, id: string): Promise<{ raw: Buffer; mail: ParsedMail }> {
  const raw = readFileSync(path.join(folder, `${id}.eml`))
  return { raw, mail: await simpleParser(raw) }
}

const escaped = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

function recipients(mail: ParsedMail): string {
  const to = Array.isArray(mail.to) ? mail.to : mail.to === undefined ? [] : [mail.to]
  return to.map((one) => one.text).join(', ')
}

async function page(folder: string, url: string): Promise<{ status: number; type: string; body: string | Buffer }> {
  const html = (body: string) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    body: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Mail</title><style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:60rem}a{color:#2563eb}li{padding:.4rem 0}small{color:#697586}iframe{width:100%;height:75vh;border:1px solid #8884}</style></head><body>${body}</body></html>`,
  })
  const [, view = '', id = ''] = url.split('?')[0]?.split('/') ?? []
  if (view === '' || view === 'messages.json') {
    const list = await Promise.all(
      names(folder)
        .reverse()
        .map(async (name) => {
          const key = name.replace('.eml', '')
          const { mail } = await read(folder, key)
          return {
            id: key,
            subject: mail.subject ?? '',
            to: recipients(mail),
            date: mail.date?.toISOString() ?? null,
            text: mail.text ?? '',
          }
        }),
    )
    if (view === 'messages.json') return { status: 200, type: 'application/json', body: JSON.stringify(list) }
    const rows = list.map(
      (mail) =>
        `<li><a href="/mail/${mail.id}">${escaped(mail.subject)}</a><br><small>to ${escaped(mail.to)}, ${mail.date ?? ''}</small></li>`,
    )
    return html(`<h1>Mail</h1>${rows.length === 0 ? '<p>Nothing has arrived yet.</p>' : `<ul>${rows.join('')}</ul>`}`)
  }
  if (!/^\d{6}$/.test(id)) return { status: 404, type: 'text/plain', body: 'There is no such mail.' }
  const { raw, mail } = await read(folder, id)
  if (view === 'raw') return { status: 200, type: 'text/plain; charset=utf-8', body: raw }
  if (view === 'text') return { status: 200, type: 'text/plain; charset=utf-8', body: mail.text ?? '' }
  if (view === 'html')
    return {
      status: 200,
      type: 'text/html; charset=utf-8',
      body: typeof mail.html === 'string' ? mail.html : `<pre>${escaped(mail.text ?? '')}</pre>`,
    }
  return html(
    `<p><a href="/">All mail</a></p><h1>${escaped(mail.subject ?? '')}</h1><p><small>from ${escaped(mail.from?.text ?? '')} to ${escaped(recipients(mail))}</small><br><a href="/text/${id}">text</a> · <a href="/raw/${id}">source</a></p><iframe src="/html/${id}" sandbox></iframe>`,
  )
}
