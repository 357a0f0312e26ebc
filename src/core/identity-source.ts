/** What an identity header may carry. */
export const IDENTITY_SOURCES = [
  'subject',
  'email',
  'preferred_username',
  'groups',
  'actor',
  'agent',
  'assertion',
  'bearer_assertion',
] as const
export type IdentitySource = (typeof IDENTITY_SOURCES)[number]

/** Header name → what it carries, in the order in which they are sent. */
export type IdentityHeaderNames = readonly (readonly [name: string, source: IdentitySource])[]
