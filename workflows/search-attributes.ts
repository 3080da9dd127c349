import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'

/** Few, typed, never secret. Every start registers them: an unregistered one would stop a workflow for ever. */
export const searchAttributes = {
  linkId: defineSearchAttributeKey('LinkId', SearchAttributeType.KEYWORD),
  workspace: defineSearchAttributeKey('Workspace', SearchAttributeType.KEYWORD),
  linkStatus: defineSearchAttributeKey('LinkStatus', SearchAttributeType.KEYWORD),
  runKind: defineSearchAttributeKey('RunKind', SearchAttributeType.KEYWORD),
} as const
