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
        owner: z.string(),
      }),
    ),
    /** Open issues beyond those listed. */
    more: z.number(),
    url: z.string(),
  }),
} as const

export type NoticeName = keyof typeof noticeData
export type NoticeData<N extends NoticeName> = z.infer<(typeof noticeData)[N]>
