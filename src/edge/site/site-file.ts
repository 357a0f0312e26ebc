import { z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { parseHostName } from '../../core/ids.ts'
import { parseMoment } from '../../core/policy/criteria/date.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { isAddress, isRange } from '../../migrate/network/address-block.ts'
import { type Expected } from '../../migrate/report/callers.ts'
import { type Zone } from '../../migrate/report/zones.ts'
import { schemaFaults } from '../files/schema-faults.ts'
import { readYamlFile } from '../files/yaml-file.ts'

/** What the log and the cluster do not know of themselves. */
export type Site = {
  readonly zones: readonly Zone[]
  readonly expected: readonly Expected[]
  /** Hosts that are no part of the migration, such as the sign-in itself. */
  readonly leaveOut: ReadonlySet<string>
  /** Days that have to pass without a surprise. */
  readonly days: number
}

const text = z.string({ error: 'is not text. Write a string' }).min(1, 'is empty. Write a value')

const host = text
  .refine((written) => parseHostName(written) !== undefined, {
    error: 'is not a host name. Write app.example.com',
  })
  .transform((written) => String(parseHostName(written)))

const range = text.refine((written) => isRange(written), {
  error: 'is no range. Write it as 10.8.0.0/16',
})

const ZONE = z.strictObject({
  name: text,
  ranges: z
    .array(range, { error: 'is not a list. Write it as [10.8.0.0/16]' })
    .min(1, 'is empty. Name a range'),
  vpn: z
    .boolean({ error: 'is neither true nor false. Write vpn: true for the VPN' })
    .default(false),
})

const EXPECTED = z
  .strictObject({
    host,
    subject: text.describe('As the decision log names the caller.').optional(),
    address: text
      .refine((written) => isAddress(written), {
        error: 'is no IP address. Write 203.0.113.7',
      })
      .optional(),
    reason: text.describe('Why the refusal is meant; for those who read this later.'),
    until: text
      .refine((written) => parseMoment(written) !== undefined, {
        error: 'is no day. Write 2027-01-31',
      })
      .describe('The day from which on the refusal counts again.'),
  })
  .refine(({ subject, address }) => (subject === undefined) !== (address === undefined), {
    error: 'names nobody, or twice. Write subject or address',
  })

export const SITE_SCHEMA = z.strictObject({
  zones: z.array(ZONE, { error: 'is not a list. Begin each entry with -' }).default([]),
  expected: z.array(EXPECTED, { error: 'is not a list. Begin each entry with -' }).default([]),
  leaveOut: z.array(host, { error: 'is not a list. Write it as [auth.example.com]' }).default([]),
  days: z
    .int({ error: 'is no number of days. Write 14' })
    .min(1, 'is no number of days. Write 14')
    .max(365, 'is more than a year. Write 14')
    .default(14),
})

export const EMPTY_SITE: Site = { zones: [], expected: [], leaveOut: new Set(), days: 14 }

/** Zones of the network, refusals that are meant, and what is left out. */
export const readSite = async (path: string): Promise<Result<Site, readonly Fault[]>> => {
  const yaml = await readYamlFile(path, path)
  if (!yaml.ok) return yaml
  const parsed = SITE_SCHEMA.safeParse(yaml.value.value)
  if (!parsed.success) return fail(schemaFaults(parsed.error, SITE_SCHEMA, yaml.value))
  const { zones, expected, leaveOut, days } = parsed.data
  return ok({
    zones: zones.map(({ name, ranges, vpn }) => ({ name, ranges, isVpn: vpn })),
    expected: expected.map((each) => ({
      host: each.host,
      subject: each.subject,
      address: each.address,
      reason: each.reason,
      until: parseMoment(each.until) ?? 0,
    })),
    leaveOut: new Set(leaveOut),
    days,
  })
}
