import { z } from 'zod'
import { DRIFT_FINDINGS } from '../src/migrate/drift/drift-finding.ts'
import { FINDING_KINDS } from '../src/migrate/inventory/registry.ts'
import { type NetworkFinding } from '../src/migrate/network/network-finding.ts'
import { type BlockerCode } from '../src/migrate/report/blockers.ts'
import { SIGNS } from '../src/migrate/report/machines.ts'
import { STAGES } from '../src/migrate/report/stage.ts'
import { FINDINGS } from '../src/migrate/verify/finding.ts'
import { type StepKind } from '../src/migrate/verify/step.ts'

/**
 * What the commands of migration print with `--json`. More keys may come; none of these goes, nor
 * means something else, without a new major version.
 */
const text = z.string()
const texts = z.array(text)
const count = z.int().min(0)
const moment = z.string().meta({ format: 'date-time' })
const line = z.int().min(1)

const keysOf = (table: Readonly<Record<string, unknown>>): z.ZodEnum => z.enum(Object.keys(table))

/** A union of the source as a list that lacks nothing of it. */
const namesOf = <Name extends string>(names: Readonly<Record<Name, true>>): z.ZodEnum =>
  z.enum(Object.keys(names))

const FAULT = z.object({
  file: text,
  line: line.optional(),
  column: line.optional(),
  key: text.describe("The key's path; empty for the whole file."),
  problem: text,
  remedy: text,
})

const FAILURE = z
  .object({ ok: z.literal(false), faults: z.array(FAULT).min(1) })
  .describe('It could not run: exit code 2.')

const PLACE = z.object({ object: text, file: text, line })

const SEVERITY = z.enum(['high', 'medium', 'low', 'info'])

const INVENTORY = z.object({
  ok: z.boolean().describe('Nothing was found, but for information.'),
  objects: count,
  namespaces: texts,
  controllers: z.array(z.object({ name: text, release: text.optional() })),
  findings: z
    .array(
      z.object({
        id: keysOf(FINDING_KINDS),
        severity: SEVERITY,
        title: text,
        why: text,
        next: text,
        what: text.describe('What was seen this time.'),
        places: z.array(PLACE).min(1).describe('The first is where to begin.'),
        hosts: texts.describe('Empty where it is about the cluster; * is every host.'),
      }),
    )
    .describe('Worst first.'),
  hosts: z.array(
    z.object({
      host: text,
      namespaces: texts,
      ingresses: texts,
      paths: count,
      services: texts,
      controls: z.array(
        z.enum(['vestibule', 'other_gate', 'client_certificate', 'password', 'addresses']),
      ),
      standing: z.enum([
        'vestibule',
        'other_gate',
        'client_certificate',
        'password',
        'addresses',
        'open',
        'mixed',
      ]),
      internalBecause: texts,
      application: z
        .object({
          id: text,
          title: text,
          preset: text.optional(),
          weight: z.enum(['high', 'medium', 'low']),
        })
        .optional(),
      isDoor: z.boolean().describe('It leads to the sign-in itself.'),
      machinePaths: z.array(
        z.object({
          path: text,
          pathType: text,
          callers: text,
          checkedBy: z.enum(['vestibule', 'application']),
        }),
      ),
      findings: z.array(keysOf(FINDING_KINDS)),
    }),
  ),
  waves: z.array(
    z.object({
      name: text,
      aim: text,
      hosts: z.array(z.object({ host: text, effort: count, because: texts, first: texts })),
    }),
  ),
  unread: z.array(FAULT).describe('What --keep-going left out.'),
})

const LEFTOVERS = z.array(z.object({ file: text, line: line.optional(), what: text, why: text }))

const TRANSLATE = z.object({
  ok: z.boolean().describe('Everything was carried over.'),
  policies: z.array(z.object({ file: text, hosts: texts, text })),
  leftovers: LEFTOVERS,
})

const MERGE_PATCH = z
  .looseObject({ metadata: z.looseObject({ annotations: z.record(text, text.nullable()) }) })
  .describe('For kubectl patch --type merge.')

const JSON_PATCH = z
  .array(z.looseObject({ op: z.enum(['add', 'remove', 'replace', 'test']), path: text }))
  .describe('RFC 6902.')

const INGRESS = z.object({
  ok: z.boolean().describe('All of them can be guarded.'),
  ingresses: z.array(
    z.object({
      namespace: text,
      name: text,
      hosts: texts,
      file: text,
      line,
      preset: text.optional(),
      changes: z.array(
        z.object({ name: text, before: text.optional(), after: text.optional(), why: text }),
      ),
      mergePatch: MERGE_PATCH,
      jsonPatch: JSON_PATCH,
      rollback: z.object({ mergePatch: MERGE_PATCH, jsonPatch: JSON_PATCH }),
      twins: z.array(z.looseObject({ kind: z.literal('Ingress') })),
      obstacles: texts,
      notes: texts,
    }),
  ),
  leftOut: z.array(z.object({ namespace: text, name: text, why: text })),
})

const OLDER_POLICY = z.object({
  name: text,
  file: text,
  line: line.optional(),
  rule: line.describe('Counted from one.'),
})

const ACCESS = z.object({
  namespace: text,
  source: text,
  ports: texts,
  purpose: z.enum(['controller', 'monitoring', 'same_app']).optional(),
  olderPolicies: z.array(OLDER_POLICY),
  isUncertain: z.boolean().describe('It hangs on the network plugin.'),
  isStoppedAtHome: z.boolean().describe('Its own egress rules stop it now.'),
})

const NETWORK_POLICY = z.object({
  ok: z.boolean(),
  backEnds: z.array(
    z.object({
      namespace: text,
      service: text,
      ingresses: texts,
      policy: z.looseObject({ kind: z.literal('NetworkPolicy') }),
      before: z.array(ACCESS).describe('Who reaches it today.'),
      beforeMore: count.describe('Others, in a cluster where they are too many to list.'),
      after: z.array(ACCESS).describe('Who would with the policy.'),
      afterMore: count,
      addresses: z.array(OLDER_POLICY.extend({ cidr: text })),
    }),
  ),
  findings: z.array(
    z.object({
      id: namesOf<NetworkFinding['id']>({
        still_reachable: true,
        addresses_reach: true,
        controller_not_found: true,
        controller_on_host_network: true,
        controller_cut_off: true,
        port_name_unknown: true,
        back_end_on_host_network: true,
        no_pods: true,
        no_policy_possible: true,
        namespaces_unread: true,
      }),
      severity: z.enum(['error', 'warning']),
      problem: text,
      remedy: text,
    }),
  ),
})

const DRIFT = z.object({
  ok: z.boolean().describe('Nothing differs.'),
  findings: z.array(
    z.object({
      severity: z.enum(['error', 'warning']),
      id: keysOf(DRIFT_FINDINGS),
      object: text,
      file: text,
      line,
      problem: text,
      remedy: text,
    }),
  ),
})

const VERIFY = z.object({
  ok: z.boolean().describe('All as planned.'),
  plan: text,
  at: moment,
  run: text.describe('Request ids begin with it.'),
  requests: count,
  failed: count,
  checks: z.array(
    z.object({
      host: text,
      check: namesOf<StepKind>({
        anonymous: true,
        right_person: true,
        wrong_person: true,
        spoofed_anonymous: true,
        spoofed_identity: true,
        spoofed_spelling: true,
        impersonation: true,
        direct: true,
      }),
      caller: text.optional(),
      method: text,
      url: text,
      requestId: text,
      ok: z.boolean(),
      status: z.int().optional(),
      detail: text.optional().describe('Where nobody answered, what happened.'),
      findings: z.array(z.object({ code: keysOf(FINDINGS), problem: text, remedy: text })),
      seconds: z.number().min(0),
    }),
  ),
  notChecked: z.array(z.object({ host: text, what: text })).describe('What the plan leaves out.'),
})

const ACTOR = z.enum(['human', 'workload', 'agent'])

const WAYS = z.array(z.object({ place: PLACE, why: text }))

const STANDING = z.object({
  host: text,
  stage: keysOf(STAGES),
  meaning: text,
  owner: text.optional(),
  observedUntil: moment.optional(),
  isReady: z.boolean().describe('Nothing stands in the way of the next stage.'),
  blockers: z.array(
    z.object({
      code: namesOf<BlockerCode>({
        no_traffic: true,
        short_evidence: true,
        surprise: true,
        machine: true,
        vpn_only: true,
        leftover: true,
        unknown_backend: true,
        no_zones: true,
        not_verified: true,
      }),
      text,
    }),
  ),
  next: text,
  rollback: text,
  observedDays: count,
  daysWithoutSurprise: count,
  requests: count,
  zones: z.record(text, count),
  hasMoreCallers: z.boolean().describe('There were more callers than are told apart.'),
  unguarded: WAYS,
  openBackends: WAYS,
  unknownBackends: WAYS,
  leftovers: WAYS,
  people: count,
  workloads: count,
  namelessByVpn: count,
  surprises: z.array(
    z.object({
      subject: text,
      actor: ACTOR,
      kind: z.enum(['would_be', 'was']),
      times: count,
      last: moment.optional(),
      example: z.object({ reason: text, method: text, path: text, decision: text }).optional(),
    }),
  ),
  machines: z.array(
    z.object({
      address: text,
      zone: text,
      isVpn: z.boolean(),
      signs: z.array(keysOf(SIGNS)),
      why: texts,
      requests: count,
      letThrough: count,
      days: count,
      last: moment.optional(),
      asksFor: texts,
    }),
  ),
  vpnOnly: z.array(
    z.object({ subject: text, actor: ACTOR, requests: count, last: moment.optional() }),
  ),
})

const REPORT = z.object({
  at: moment,
  from: moment.optional().describe('The first moment of the log.'),
  to: moment.optional(),
  lines: count,
  skipped: count.describe('Lines that are no decision.'),
  days: count.describe('Days without a surprise that are wanted.'),
  stages: z.record(keysOf(STAGES), count),
  series: z.array(
    z.object({
      day: z.string().meta({ format: 'date' }),
      requests: count,
      wouldRefuse: count,
      refused: count,
    }),
  ),
  hosts: z.array(STANDING).describe('Those that are furthest back first.'),
})

const OAUTH2_PROXY = z.object({
  files: z.array(z.object({ name: text, text })),
  config: z.looseObject({}),
  flags: z.array(
    z.object({ flag: text, place: text, fate: z.enum(['carried', 'rule', 'none']), text }),
  ),
  leftovers: LEFTOVERS,
})

/** By the word after `vestibule migrate`. */
export const OUTPUT_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  inventory: z.union([INVENTORY, FAILURE]),
  translate: z.union([TRANSLATE, FAILURE]),
  ingress: z.union([INGRESS, FAILURE]),
  networkpolicy: z.union([NETWORK_POLICY, FAILURE]),
  drift: z.union([DRIFT, FAILURE]),
  verify: z.union([VERIFY, FAILURE]),
  report: z.union([REPORT, FAILURE]),
  'oauth2-proxy': z.union([OAUTH2_PROXY, FAILURE]),
}
