import { timestamp } from 'drizzle-orm/pg-core'

/** Our own times carry a zone; the endpoints' times are text, as received. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' })
