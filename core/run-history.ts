/** What is kept of a run's workflow, when Temporal forgets it. */
export interface KeptHistory {
  workflowId: string
  /** Its executions in their order, each with its events in the form of Temporal's own tools. */
  executions: { runId: string; events: TemporalEvent[] }[]
}

/** An event as Temporal's tools read and write it as JSON. */
export interface TemporalEvent {
  eventId: string
  eventTime: string
  eventType: string
  [attributes: string]: unknown
}
