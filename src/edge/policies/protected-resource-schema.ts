import { z } from 'zod'

/** Text that may stand in a URL or a quoted string as it is. */
const url = z
  .string()
  .regex(
    /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$/,
    'is no URL. Write https://idp.example.com, without query',
  )

const scope = z
  .string()
  // RFC 6749 section 3.3.
  .regex(
    /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/,
    'is no scope. Leave out blanks, quotes and backslashes',
  )

export const PROTECTED_RESOURCE = z.strictObject({
  authorizationServers: z
    .array(url)
    .min(1, 'is an empty list. Name the issuer that gives tokens for these hosts')
    .describe('Issuers that give tokens for these hosts; `tokenIssuers` has to name them too.'),
  scopes: z.array(scope).max(100).default([]).describe('Scopes that clients may ask for.'),
  name: z.string().min(1).max(200).optional().describe('Name to show to people.'),
  documentation: url.optional().describe('Page for developers.'),
})
