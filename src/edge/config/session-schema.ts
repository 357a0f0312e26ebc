import { z } from 'zod'
import { duration } from './duration.ts'
import { secretFile, text } from './fields.ts'
import { storeUrl } from './url.ts'

const fromEnvironment = (key: string): string =>
  `From the environment only; in a file use \`${key}\`.`

export const SESSION_SCHEMA = z.strictObject({
  store: storeUrl
    .default('memory')
    .describe(
      '`memory`, `redis://host:port/db`, `redis+sentinel://h1,h2/primary`, `redis+cluster://h1,h2`; `rediss` for TLS.',
    ),
  storePassword: text.optional().describe(fromEnvironment('storePasswordFile')),
  storePasswordFile: secretFile.optional(),
  sentinelPassword: text.optional().describe(fromEnvironment('sentinelPasswordFile')),
  sentinelPasswordFile: secretFile.optional(),
  tls: z
    .strictObject({
      caFile: text.optional().describe('Certificates (PEM) that vouch for the store.'),
      certFile: text.optional().describe('Our certificate (PEM), where the store asks for one.'),
      keyFile: text.optional().describe('Its private key (PEM).'),
    })
    .prefault({}),
  keys: text.optional().describe(fromEnvironment('keysFile')),
  keysFile: secretFile.optional(),
  idle: duration('1m', '30d')
    .default(8 * 3_600_000)
    .describe('A session ends after so long without a request.'),
  absolute: duration('1m', '90d')
    .default(24 * 3_600_000)
    .describe('A session ends after so long in any case.'),
  maxPerSubject: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Sessions that one person may have; one more ends the oldest. Absent: any number.'),
  revalidateEvery: duration('1s', '1d')
    .default(60_000)
    .describe("How old the provider's word on a session may get."),
  providerOutage: z
    .strictObject({
      serveFor: duration('1s', '1d')
        .default(3_600_000)
        .describe(
          'While the provider is unreachable, sessions are served for so long beyond `revalidateEvery`.',
        ),
    })
    .prefault({}),
  storeTimeout: duration('10ms', '5s').default(250).describe('Deadline of each call to the store.'),
  storeOutage: z
    .strictObject({
      serveKnownFor: duration('1s', '10m')
        .default(30_000)
        .describe('While the store is unreachable, what was known so recently still decides.'),
    })
    .prefault({}),
})
