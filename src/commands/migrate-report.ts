import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Fault, faultText } from '../core/fault.ts'
import { parseHostName } from '../core/ids.ts'
import { findPolicy, type PolicySet } from '../core/policy/policy.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { readDecisionLine, readLines } from '../edge/observe/decision-lines.ts'
import { loadPolicies } from '../edge/policies/policy-folder.ts'
import { readVerified } from '../edge/probe/verified-file.ts'
import { EMPTY_SITE, readSite, type Site } from '../edge/site/site-file.ts'
import { type Cluster } from '../migrate/cluster.ts'
import { type Verified } from '../migrate/report/blockers.ts'
import { exposuresOf } from '../migrate/report/exposure.ts'
import { SECONDS_A_DAY } from '../migrate/report/host-count.ts'
import { type MigrationReport, migrationReport } from '../migrate/report/migration-report.ts'
import { type HostFacts } from '../migrate/report/standing.ts'
import { type Traffic } from '../migrate/report/traffic.ts'
import { createTrafficTally, OTHER_HOSTS } from '../migrate/report/traffic-tally.ts'
import { createZoneOf } from '../migrate/report/zones.ts'
import { type Command } from './command.ts'
import { MANIFESTS_HELP, readManifestsInput } from './manifests-input.ts'
import { reportHtml } from './migrate-report-html.ts'
import { reportJson } from './migrate-report-json.ts'
import { type Read, reportText } from './migrate-report-text.ts'
import { momentOption } from './moment-option.ts'
import { createProgress } from './progress.ts'
import { complain, say, sayFaults } from './terminal.ts'

export const migrateReport: Command = {
  name: 'migrate report',
  summary: 'say where each host stands on its way from the VPN to identity, and what comes next',
  help: `Usage: vestibule migrate report [FILE|DIR|-]… [--policies FOLDER] [--log FILE …]
           [--site FILE] [--verified FILE] [--ready HOST …] [--html FILE] [--json]

Puts together what the cluster's objects, the policies and the decision logs say of each
host: who still comes by the VPN only, which programs would break, for how many days
nobody was refused by surprise, the next step, and how to take it back.

${MANIFESTS_HELP}
  --policies FOLDER  the policies that are in force
  --log FILE         decision lines; FILE.gz is unpacked on the way; several may be named
  --site FILE        zones of the network, refusals that are meant; docs/migrate-report.md shows one
  --verified FILE    what vestibule migrate verify --json printed
  --ready HOST       fail unless this host is ready for its next stage; several may be named
  --at TIME          the moment for which to report, such as 2027-01-31; by default now
  --html FILE        write the report as one page that needs nothing else
  --json             print the report as JSON

Exit codes: 0 reported, 1 a host of --ready is not ready, or something could not be read
with --keep-going, 2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const input = await readInput(options)
    if (!input.ok) {
      sayFaults(input.failure, options.json)
      return 2
    }
    const { report, read, unread } = await reportOf(options, input.value)
    for (const fault of unread) complain(faultText(fault))
    if (options.html !== undefined) await writeFile(options.html, reportHtml(report))
    say(options.json ? reportJson(report, read) : reportText(report, read))
    const waiting = notReady(report, options.ready)
    for (const text of waiting) complain(text)
    return waiting.length > 0 || unread.length > 0 ? 1 : 0
  },
}

type Options = {
  readonly places: readonly string[]
  readonly keepGoing: boolean
  readonly policies: string | undefined
  readonly logs: readonly string[]
  readonly site: string | undefined
  readonly verified: string | undefined
  readonly ready: readonly string[]
  readonly at: string | undefined
  readonly html: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals: places, values } = parseArgs({
    args: [...args],
    options: {
      'keep-going': { type: 'boolean', default: false },
      policies: { type: 'string' },
      log: { type: 'string', multiple: true, default: [] },
      site: { type: 'string' },
      verified: { type: 'string' },
      ready: { type: 'string', multiple: true, default: [] },
      at: { type: 'string' },
      html: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const {
    'keep-going': keepGoing,
    log: logs,
    policies,
    site,
    verified,
    ready,
    at,
    html,
    json,
  } = values
  return { places, keepGoing, policies, logs, site, verified, ready, at, html, json }
}

type Input = {
  readonly cluster: Cluster
  readonly unread: readonly Fault[]
  readonly policies: PolicySet | undefined
  readonly site: Site
  readonly verified: ReadonlyMap<string, Verified>
}

const readInput = async (options: Options): Promise<Result<Input, readonly Fault[]>> => {
  const { places, keepGoing } = options
  const [manifests, policies, site, verified] = await Promise.all([
    readManifestsInput(places, keepGoing),
    options.policies === undefined ? ok(undefined) : loadPolicies(options.policies),
    options.site === undefined ? ok(EMPTY_SITE) : readSite(options.site),
    options.verified === undefined ? ok(new Map()) : readVerified(options.verified),
  ])
  if (!manifests.ok || !policies.ok || !site.ok || !verified.ok) {
    return fail(
      [manifests, policies, site, verified].flatMap((each) => (each.ok ? [] : each.failure)),
    )
  }
  return ok({
    cluster: manifests.value.cluster,
    unread: manifests.value.unread,
    policies: policies.value,
    site: site.value,
    verified: verified.value,
  })
}

type Reported = {
  readonly report: MigrationReport
  readonly read: Read
  readonly unread: readonly Fault[]
}

const reportOf = async (options: Options, input: Input): Promise<Reported> => {
  const { cluster, policies, site, verified, unread } = input
  const now = momentOption(options.at)
  const exposures = new Map(exposuresOf(cluster).map((exposure) => [exposure.host, exposure]))
  const hosts = hostsOf([...exposures.keys()], policies).filter((host) => !site.leaveOut.has(host))
  const counted = await readTraffic(options.logs, { hosts, policies, site, now })
  const facts = hosts.map(
    (host): HostFacts => ({
      host,
      exposure: exposures.get(host),
      policy: policyOf(policies, host),
      traffic: counted.traffic.hosts.get(host),
      verified: verified.get(host),
    }),
  )
  const report = migrationReport(facts, counted.traffic, {
    now,
    days: site.days,
    expected: site.expected,
    hasVpnZone: site.zones.some(({ isVpn }) => isVpn),
    log: counted.traffic,
  })
  return { report, read: counted.read, unread }
}

/** Hosts below a wildcard are as many as clients like; the cluster's own are named. */
const hostsOf = (
  ofCluster: readonly string[],
  policies: PolicySet | undefined,
): readonly string[] => [...new Set([...ofCluster, ...(policies?.exact.keys() ?? [])])]

const policyOf = (policies: PolicySet | undefined, host: string): HostFacts['policy'] => {
  const name = parseHostName(host)
  return policies === undefined || name === undefined
    ? policies?.below.get(host.replace(/^\*\./, ''))
    : findPolicy(policies, name)
}

type Reading = {
  readonly hosts: readonly string[]
  readonly policies: PolicySet | undefined
  readonly site: Site
  readonly now: number
}

type Counted = { readonly traffic: Traffic; readonly read: Read }

const readTraffic = async (
  logs: readonly string[],
  { hosts, site, now }: Reading,
): Promise<Counted> => {
  const known = new Set(hosts)
  const tally = createTrafficTally(
    ({ request: { host } }) => (known.has(host) ? host : below(host, known)),
    createZoneOf(site.zones),
  )
  const progress = createProgress('decisions')
  const read = { lines: 0, skipped: 0 }
  for (const file of logs) {
    for await (const batch of readLines(file)) {
      for (const written of batch.filter((each) => each.trim() !== '')) {
        read.lines += 1
        const line = readDecisionLine(written)
        // A clock that runs ahead would make every surprise look old.
        if (line === undefined || line.time > now + SECONDS_A_DAY) read.skipped += 1
        else tally.add(line)
      }
      progress.at(read.lines)
    }
  }
  progress.end()
  if (read.lines > 0 && read.skipped === read.lines) {
    throw new Error('none of the lines is a decision up to now; is it the decision log?')
  }
  return { traffic: tally.traffic(), read }
}

/** An Ingress may be for `*.example.com`. */
const below = (host: string, known: ReadonlySet<string>): string => {
  const wildcard = `*${host.slice(host.indexOf('.'))}`
  return known.has(wildcard) ? wildcard : OTHER_HOSTS
}

const notReady = ({ standings }: MigrationReport, wanted: readonly string[]): readonly string[] =>
  wanted.flatMap((host) => {
    const standing = standings.find((each) => each.host === host)
    if (standing === undefined) return [`${host}: is not a host of the cluster or the policies`]
    return standing.blockers.map(({ code, text }) => `${host}: ${code}: ${text}`)
  })
