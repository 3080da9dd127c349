import { z } from 'zod'

/** What each notice is filled with. Unknown or missing values are an error before anything is rendered. */
export const noticeData = {
  'run-issues': z.strictObject({
    link: z.string(),
    /** The run's status in words: "finished with errors". */
    status: z.string(),
    failed: z.boolean(),
    message: z.string().nullable(),
    started: z.string(),
    ended: z.string(),
    counts: z.array(z.strictObject({ label: z.string(), count: z.number() })),
    issues: z.array(
      z.strictObject({
        /** Both ids where both are known: "ALM 41, Octane 2007". */
        record: z.string(),
        message: z.string(),
        remedy: z.string(),
        /** Whose turn it is, in words: "For an administrator"; null: nobody's, it is tried again by itself. */
        whose: z.string().nullable(),
      }),
    ),
    /** Open issues beyond those listed. */
    more: z.number(),
    url: z.string(),
  }),
  /** A link's endpoint or bridge does not work as it should. */
  'link-trouble': z.strictObject({
    link: z.string(),
    /** In words, after the link's name: "is degraded". */
    state: z.string(),
    message: z.string().nullable(),
    action: z.string(),
    since: z.string(),
    url: z.string(),
  }),
  /** A link writes nothing, or not all, until somebody does something. */
  'link-stopped': z.strictObject({
    link: z.string(),
    /** In words, after the link's name: "waits for approval". */
    state: z.string(),
    /** What stands in the way, each with what to do about it. */
    points: z.array(z.strictObject({ message: z.string(), remedy: z.string() })).min(1),
    /** What happens meanwhile. */
    meanwhile: z.string(),
    since: z.string(),
    url: z.string(),
  }),
  /** An endpoint changed fields, list values or types that a link depends on. */
  'schema-changed': z.strictObject({
    link: z.string(),
    changes: z.array(z.string()),
    /** Open issues of the link. */
    open: z.number(),
    url: z.string(),
  }),
  /** It works again. */
  'link-recovered': z.strictObject({
    link: z.string(),
    /** What it was, in words: "was degraded". */
    state: z.string(),
    message: z.string().nullable(),
    /** In words: "14 minutes". */
    duration: z.string(),
    since: z.string(),
    until: z.string(),
    url: z.string(),
  }),
} as const

export type NoticeName = keyof typeof noticeData
export type NoticeData<N extends NoticeName> = z.infer<(typeof noticeData)[N]>
