import {
  aLine,
  LAST,
  type Line,
  logOf,
  nameless,
  person,
  program,
  wouldRefuse,
} from '../../migrate/support-report.ts'

const GRAFANA = 'grafana.emden.brackwater.example'
const WIKI = 'wiki.emden.brackwater.example'
const ORDERS = 'orders.emden.brackwater.example'

const DAYS = Array.from({ length: 17 }, (_each, index) => 16 - index)
const VPN = { clientIp: '10.8.0.9' }
const HOME = { clientIp: '203.0.113.20' }

/** The groups that a policy names are on the line. */
const known = (who: string): Line => ({
  ...person(who),
  groups: who === 'alice' ? ['sre'] : ['developers'],
})

const everyDay = (host: string, who: string, changes: Line): readonly Line[] =>
  DAYS.map((days) => aLine(host, days, { principal: known(who), ...changes }))

/** What the log says while everybody is let through; people are still in the VPN. */
const OBSERVED: readonly Line[] = [
  ...everyDay(GRAFANA, 'alice', VPN),
  ...everyDay(WIKI, 'alice', VPN),
  ...everyDay(WIKI, 'bob', VPN),
  ...everyDay(ORDERS, 'alice', VPN),
  ...[5, 2].map((days) => ({
    ...wouldRefuse(GRAFANA, days, 'bob'),
    path: '/d/latency',
    principal: known('bob'),
  })),
  ...DAYS.map((days) =>
    nameless(ORDERS, days, { clientIp: '10.8.0.40', hour: 3, path: '/export' }),
  ),
]

const EXPORT: Line = { principal: program('ci/ci'), credential: 'bearer', path: '/export' }

/** After the rules were mended. */
const CALM: readonly Line[] = [
  ...everyDay(GRAFANA, 'alice', VPN),
  ...everyDay(GRAFANA, 'bob', VPN),
  ...everyDay(WIKI, 'bob', VPN),
  ...everyDay(ORDERS, 'alice', VPN),
  ...DAYS.map((days) => aLine(ORDERS, days, { ...EXPORT, clientIp: '10.8.0.40' })),
]

/** People come from wherever they are; the export still takes the old way. */
const ENFORCED: readonly Line[] = [
  ...everyDay(GRAFANA, 'alice', HOME),
  ...everyDay(GRAFANA, 'bob', HOME),
  ...everyDay(WIKI, 'bob', HOME),
  ...everyDay(ORDERS, 'alice', HOME),
  ...DAYS.map((days) => aLine(ORDERS, days, { ...EXPORT, clientIp: '10.8.0.40' })),
]

/** The log as if its last day were the day of `now`. */
const until = (now: Date, lines: readonly Line[]): string => {
  const shift = now.getTime() - LAST * 1000
  return logOf(
    lines.map((line) => ({
      ...line,
      time: new Date(Date.parse(String(line['time'])) + shift).toISOString(),
    })),
  )
}

/** What the cluster would have written into the files that the document names. */
export const writtenByCluster = (now: Date): ReadonlyMap<string, string> =>
  new Map([
    ['observed.ndjson', until(now, OBSERVED)],
    ['calm.ndjson', until(now, CALM)],
    ['enforced.ndjson', until(now, ENFORCED)],
  ])
