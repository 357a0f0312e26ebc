import { type Surprise } from '../migrate/report/callers.ts'
import { type MigrationReport } from '../migrate/report/migration-report.ts'
import { type Standing } from '../migrate/report/standing.ts'
import { dayText, type Read, textOf } from './migrate-report-text.ts'

export const reportJson = (report: MigrationReport, read: Read): string => {
  const { standings, series, at, from, to, ...rest } = report
  return JSON.stringify(
    {
      at: momentText(at),
      from: momentText(from),
      to: momentText(to),
      ...read,
      ...rest,
      series: series.map(({ day, ...counts }) => ({ day: dayText(day * 86_400), ...counts })),
      hosts: standings.map(standingJson),
    },
    null,
    2,
  )
}

const momentText = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()

const standingJson = ({
  traffic,
  exposure,
  callers,
  observedUntil,
  ...rest
}: Standing): object => ({
  ...rest,
  observedUntil: momentText(observedUntil),
  ...trafficJson(traffic),
  ...waysJson(exposure),
  people: callers.people,
  workloads: callers.workloads,
  namelessByVpn: callers.namelessByVpn,
  surprises: callers.surprises.map((each) => ({
    ...each,
    last: momentText(each.last),
    example: exampleJson(each),
  })),
  machines: callers.machines.map((each) => ({
    ...each,
    last: momentText(each.last),
    asksFor: each.asksFor.map(textOf),
  })),
  vpnOnly: callers.vpnOnly.map((each) => ({ ...each, last: momentText(each.last) })),
})

const trafficJson = (traffic: Standing['traffic']): object => ({
  requests: traffic?.requests ?? 0,
  zones: Object.fromEntries(traffic?.zones ?? []),
  hasMoreCallers: traffic?.hasMore ?? false,
})

const waysJson = (exposure: Standing['exposure']): object => ({
  unguarded: exposure?.unguarded ?? [],
  openBackends: exposure?.openBackends ?? [],
  unknownBackends: exposure?.unknownBackends ?? [],
  leftovers: exposure?.leftovers ?? [],
})

const exampleJson = ({ example }: Surprise): object | undefined =>
  example === undefined ? undefined : { ...example, path: textOf(example.path) }
