import type { Transporter } from 'nodemailer'
import { type LinkHealth, statusWords } from '../core/link-state.ts'
import type { ProblemOwner } from '../core/problems.ts'
import { durationWords, statusWords as runStatusWords } from '../core/run-words.ts'
import { listBrakes } from '../db/brakes.ts'
import type { Database } from '../db/connection.ts'
import { listIssues } from '../db/issues.ts'
import { getLink, type LinkRow } from '../db/links.ts'
import { noticeDropped, noticeFailed, noticeSent, type OutboxNotice, takeDueNotices } from '../db/outbox.ts'
import { listRestored } from '../db/restored.ts'
import { getRun } from '../db/runs.ts'
import { issueRecipients } from '../db/workspaces.ts'
import { type RenderedNotice, renderNotice } from '../templates/render.ts'

export interface NoticesDependencies {
  database: Database
  /** Null: no mail server is set; notices wait in the outbox. */
  transport: Transporter | null
  from: string
  /** Gets the notices of workspaces for which nobody was chosen; null: such notices are not sent. */
  fallbackRecipient: string | null
  /** Address under which people reach this installation. */
  publicUrl: string
}

const healthWords: Record<Exclude<LinkHealth, 'ok'>, string> = {
  degraded: 'degraded',
  'waiting-for-bridge': 'waiting for its bridge',
}

/** Whose turn an issue is, before its remedy. What settles by itself is nobody's. */
const whose: Record<ProblemOwner, string | null> = { admin: 'For an administrator', endpoint: null, us: null }

/** A time as people read it in a mail, in UTC: `2026-05-04 09:15:00`. */
function time(iso: string | null): string {
  return iso === null ? '' : new Date(iso).toISOString().slice(0, 19).replace('T', ' ')
}

const listedIssues = 10
const atATime = 20

/** Sends what waits in the outbox. Contents are loaded now, so a mail never holds yesterday's news. */
export function createNotices({ database, transport, from, fallbackRecipient, publicUrl }: NoticesDependencies) {
  async function sendDueNotices(): Promise<void> {
    if (transport === null) return
    for (const notice of await takeDueNotices(database, atATime)) {
      try {
        const mail = await compose(notice)
        if (mail === null) {
          await noticeDropped(database, notice.id)
          continue
        }
        await transport.sendMail({
          from,
          to: mail.to,
          subject: mail.subject,
          html: mail.html,
          text: mail.text,
          messageId: `<${notice.id}@tandem>`,
        })
        await noticeSent(database, notice.id)
      } catch (error) {
        await noticeFailed(database, notice.id, error instanceof Error ? error.message : String(error))
      }
    }
  }

  /** Null: there is nothing to say any more, or nobody to say it to. */
  async function compose(notice: OutboxNotice): Promise<(RenderedNotice & { to: string[] }) | null> {
    const link = notice.linkId === null ? null : await getLink(database, notice.linkId)
    if (link === null) return null
    const chosen = await issueRecipients(database, link.workspaceId)
    const to = chosen.length > 0 ? chosen : fallbackRecipient === null ? [] : [fallbackRecipient]
    if (to.length === 0) return null
    const rendered = await (notice.kind === 'run-issues'
      ? aboutRun(notice, link)
      : notice.kind === 'approval-needed'
        ? aboutBrakes(link)
        : notice.kind === 'link-stopped'
          ? aboutStop(notice, link)
          : notice.kind === 'schema-changed'
            ? aboutSchema(notice, link)
            : aboutHealth(notice, link))
    return rendered === null ? null : { ...rendered, to }
  }

  function aboutSchema({ data }: OutboxNotice, link: LinkRow): RenderedNotice {
    return renderNotice('schema-changed', {
      link: link.name,
      changes: (data?.changes ?? '').split('\n'),
      open: link.openIssues,
      url: `${publicUrl}/api/v1/links/${link.id}`,
    })
  }

  function aboutHealth({ kind, data }: OutboxNotice, link: LinkRow): RenderedNotice | null {
    if (data === null) return null
    const { since = null, until = null, health = null, message = null } = data
    const common = { link: link.name, message, since: time(since), url: `${publicUrl}/api/v1/links/${link.id}` }
    const words = healthWords[health as Exclude<LinkHealth, 'ok'>]
    if (kind === 'link-recovered')
      return renderNotice(kind, {
        ...common,
        state: `was ${words}`,
        until: time(until),
        duration: durationWords((Date.parse(until ?? '') - Date.parse(since ?? '')) / 1_000),
      })
    // It recovered before it could be said: the mail about that tells all there is to tell.
    if (link.health === 'ok') return null
    return renderNotice('link-trouble', {
      ...common,
      state: `is ${words}`,
      action: statusWords[health as Exclude<LinkHealth, 'ok'>].action ?? '',
    })
  }

  /** Null: somebody agreed meanwhile. */
  async function aboutBrakes(link: LinkRow): Promise<RenderedNotice | null> {
    const brakes = await listBrakes(database.sql, link.id)
    const [first] = brakes
    if (first === undefined) return null
    return renderNotice('link-stopped', {
      link: link.name,
      state: 'waits for approval',
      points: brakes.map(({ message, remedy }) => ({ message, remedy })),
      meanwhile: 'Everything else goes on.',
      since: time(first.openedAt),
      url: `${publicUrl}/api/v1/links/${link.id}/stops`,
    })
  }

  /** Null: it goes on by now. */
  async function aboutStop({ data }: OutboxNotice, link: LinkRow): Promise<RenderedNotice | null> {
    const url = `${publicUrl}/api/v1/links/${link.id}`
    if (data?.reason === 'restored') {
      const restored = await listRestored(database, link.id)
      const [first] = restored
      if (first === undefined) return null
      return renderNotice('link-stopped', {
        link: link.name,
        state: 'is stopped: an endpoint went back in time',
        points: restored.map(({ message, remedy }) => ({ message, remedy })),
        meanwhile: 'Nothing is written until then; what people change meanwhile is not lost.',
        since: time(first.since),
        url: `${url}/stops`,
      })
    }
    if (link.check !== 'failed') return null
    return renderNotice('link-stopped', {
      link: link.name,
      state: 'is stopped: its integrity check failed',
      points: [
        {
          message: `The integrity check of version ${link.version} found errors, so nothing is synchronized.`,
          remedy: statusWords['check-failed'].action ?? '',
        },
      ],
      meanwhile: 'What people change meanwhile is not lost: it is synchronized once a check passes.',
      since: time(data?.since ?? null),
      url,
    })
  }

  async function aboutRun(notice: OutboxNotice, link: LinkRow): Promise<RenderedNotice | null> {
    const run = notice.runId === null ? null : await getRun(database, notice.runId)
    if (run === null) return null
    const issues = await listIssues(database, { linkId: link.id, open: true, limit: listedIssues })
    const { counters } = run
    const counts = [
      { label: 'Examined', count: counters.examined },
      { label: `Created in ${link.right.name}`, count: counters.createdRight },
      { label: `Created in ${link.left.name}`, count: counters.createdLeft },
      { label: `Updated in ${link.right.name}`, count: counters.updatedRight },
      { label: `Updated in ${link.left.name}`, count: counters.updatedLeft },
      { label: 'Held or failed', count: counters.held + counters.failed },
    ].filter(({ label, count }, index) => count > 0 || index === 0 || label === 'Held or failed')
    return renderNotice('run-issues', {
      link: link.name,
      status: runStatusWords[run.status],
      failed: run.status === 'failed',
      message: run.message,
      started: time(run.startedAt),
      ended: time(run.endedAt),
      counts,
      issues: issues.map((issue) => ({
        record: [
          ...(issue.leftId === null ? [] : [`${link.left.name} ${issue.leftId}`]),
          ...(issue.rightId === null ? [] : [`${link.right.name} ${issue.rightId}`]),
        ].join(', '),
        message: issue.message,
        remedy: issue.remedy,
        whose: whose[issue.owner],
      })),
      more: Math.max(0, link.openIssues - issues.length),
      url: `${publicUrl}/api/v1/runs/${run.id}`,
    })
  }

  return { sendDueNotices }
}
