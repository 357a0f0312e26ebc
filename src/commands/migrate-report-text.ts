import { type MachineCaller, type Surprise, type VpnOnly } from '../migrate/report/callers.ts'
import { type MigrationReport } from '../migrate/report/migration-report.ts'
import { STAGE_NAMES, STAGES, type Stage } from '../migrate/report/stage.ts'
import { type Standing } from '../migrate/report/standing.ts'
import { printable } from './printable.ts'

/** Lines of the logs. */
export type Read = { readonly lines: number; readonly skipped: number }

const MOST_SHOWN = 5

export const dayText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 10)

export const countText = (count: number, what: string, plural = 's'): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : plural}`

export const peopleText = (count: number): string =>
  count === 1 ? '1 person' : `${count.toLocaleString('en')} people`

export const reportText = (report: MigrationReport, read: Read): string =>
  [
    `${countText(report.standings.length, 'host')} on the way from the network to identity${spanText(report)}.`,
    ...stageLines(report),
    ...report.standings.flatMap((standing) => ['', ...standingLines(standing, report)]),
    ...(read.skipped === 0
      ? []
      : [
          '',
          `Skipped ${countText(read.skipped, 'line')} of ${read.lines.toLocaleString('en')}, no decisions.`,
        ]),
    '',
    lastLine(report),
  ]
    .map(printable)
    .join('\n')

const spanText = ({ from, to }: MigrationReport): string =>
  from === undefined || to === undefined
    ? ''
    : `, decisions from ${dayText(from)} to ${dayText(to)}`

const stageLines = ({ stages }: MigrationReport): readonly string[] =>
  STAGE_ORDER.map(
    (stage) => `  ${STAGE_NAMES[stage].padEnd(15)} ${String(stages[stage]).padStart(5)}`,
  )

const isStage = (name: string): name is Stage => Object.hasOwn(STAGES, name)

export const STAGE_ORDER: readonly Stage[] = Object.keys(STAGES).filter(isStage)

const standingLines = (standing: Standing, { days }: MigrationReport): readonly string[] => {
  const { host, stage, meaning, callers, exposure } = standing
  return [
    `${host}  ${STAGE_NAMES[stage]}${standing.owner === undefined ? '' : `  (${standing.owner})`}`,
    `  ${meaning}${endText(standing)}`,
    ...trafficLines(standing, days),
    ...(exposure?.unguarded ?? []).map(
      ({ place, why }) => `  not guarded  ${place.object} (${place.file}:${place.line}): ${why}`,
    ),
    ...(stage === 'network_trusted' ? [] : (exposure?.openBackends ?? [])).map(
      ({ place, why }) => `  open         ${place.object}: ${why}`,
    ),
    ...section('surprise', callers.surprises, surpriseText),
    ...section('program', callers.machines, machineText),
    ...section('VPN only', callers.vpnOnly, vpnText),
    ...standing.blockers.map(({ code, text }) => `  in the way   ${code}: ${text}`),
    `  next         ${standing.isReady ? '' : 'not yet: '}${standing.next}`,
    `  back         ${standing.rollback}`,
  ]
}

const endText = ({ observedUntil }: Standing): string =>
  observedUntil === undefined ? '' : `; enforced from ${dayText(observedUntil)} on`

const trafficLines = (standing: Standing, days: number): readonly string[] => {
  const { traffic, callers, daysWithoutSurprise } = standing
  if (traffic === undefined) return ['  traffic      no decision in the log']
  return [
    `  traffic      ${countText(traffic.requests, 'request')}, ${peopleText(callers.people)}, ${countText(callers.workloads, 'program')} with an identity${traffic.hasMore ? ', and more' : ''}; ${zonesText(standing)}`,
    `  calm         ${countText(daysWithoutSurprise, 'day')} without a surprise (wanted: ${days})`,
  ]
}

export const zonesText = ({ traffic }: Standing): string =>
  [...(traffic?.zones ?? [])]
    .toSorted(([, a], [, b]) => b - a)
    .map(([zone, count]) => `${zone} ${count.toLocaleString('en')}`)
    .join(', ')

const section = <Item>(
  title: string,
  items: readonly Item[],
  textOf: (item: Item) => string,
): readonly string[] => {
  const shown = items.slice(0, MOST_SHOWN).map((item) => `  ${title.padEnd(12)} ${textOf(item)}`)
  const left = items.length - shown.length
  return left > 0 ? [...shown, `  ${''.padEnd(12)} and ${left} more; --json has all`] : shown
}

export const surpriseText = ({ subject, kind, times, last, example }: Surprise): string =>
  `${subject} ${kind === 'was' ? 'was refused' : 'would be refused'} ${countText(times, 'time')}, last on ${dayText(last)}${example === undefined ? '' : `: ${example.method} ${textOf(example.path)} (${example.reason})`}`

/** Routed paths have one character a byte; people read UTF-8. */
export const textOf = (path: string): string => Buffer.from(path, 'latin1').toString('utf8')

export const machineText = (machine: MachineCaller): string =>
  `${machine.address} (${machine.zone}), ${countText(machine.requests, 'request')} on ${countText(machine.days, 'day')}, last on ${dayText(machine.last)}: ${machine.asksFor.map(textOf).join(', ')}; ${machine.why.join('; ')}`

export const vpnText = ({ subject, actor, requests, last }: VpnOnly): string =>
  `${subject}${actor === 'human' ? '' : ` (${actor})`}, ${countText(requests, 'request')}, last on ${dayText(last)}`

const lastLine = ({ standings }: MigrationReport): string => {
  const ready = standings.filter(({ isReady, stage }) => isReady && stage !== 'vpn_removable')
  return ready.length === 0
    ? 'No host is ready for its next stage. Settle what is in the way, and report again.'
    : `Ready for the next stage: ${ready.map(({ host }) => host).join(', ')}. Begin with the smallest.`
}
