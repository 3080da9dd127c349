import type { z } from 'zod'
import type { Database } from '../../db/connection.ts'
import type { RouteContract, RouteName, routes } from '../contract/routes.ts'
import type { LinkTemporal } from '../temporal.ts'

export interface Dependencies {
  database: Database
  temporal: LinkTemporal
  /** Bridge to whose key new secrets are sealed, and which new links use. */
  bridgeId: string
}

type Parsed<S> = S extends z.ZodType ? z.infer<S> : undefined
type Part<R, K extends keyof RouteContract> = K extends keyof R ? Parsed<R[K]> : undefined

export interface CommandContext {
  actor: string
  requestId: string
}

export type Handler<N extends RouteName> = (
  input: {
    params: Part<(typeof routes)[N], 'params'>
    query: Part<(typeof routes)[N], 'query'>
    body: Part<(typeof routes)[N], 'body'>
  },
  context: CommandContext,
) => Promise<(typeof routes)[N]['answer'] extends z.ZodType ? z.input<(typeof routes)[N]['answer']> : null>

export type Handlers = { [N in RouteName]: Handler<N> }
