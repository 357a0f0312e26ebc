import { type Html, html } from '../edge/http/html.ts'
import { barChart } from '../edge/reports/charts.ts'
import { dayChart } from '../edge/reports/day-chart.ts'
import { badge, figures, joined, NOTHING, reportPage, type Tone } from '../edge/reports/page.ts'
import { table } from '../edge/reports/table.ts'
import { type MigrationReport } from '../migrate/report/migration-report.ts'
import { STAGE_NAMES, STAGES, type Stage } from '../migrate/report/stage.ts'
import { type Standing } from '../migrate/report/standing.ts'
import {
  countText,
  dayText,
  machineText,
  peopleText,
  STAGE_ORDER,
  surpriseText,
  vpnText,
  zonesText,
} from './migrate-report-text.ts'

const TONES: Readonly<Record<Stage, Tone>> = {
  network_trusted: 'danger',
  observed: 'warning',
  canary: 'warning',
  enforced: 'notice',
  network_closed: 'notice',
  vpn_removable: 'good',
}

/** The report as one page that needs nothing else. */
export const reportHtml = (report: MigrationReport): string =>
  reportPage({
    title: 'From network trust to identity',
    lead: leadText(report),
    body: joined(
      summary(report),
      stagesSection(report),
      overview(report),
      html`<section><h2>Host by host</h2>${report.standings.map((each) => hostDetails(each, report))}</section>`,
      readingGuide(report),
    ),
    footer: `Made by vestibule migrate report, for ${dayText(report.at)}. It changes nothing and asks nobody.`,
  })

const leadText = (report: MigrationReport): string => {
  const { network_trusted: trusted, vpn_removable: removable } = report.stages
  const all = report.standings.length
  return `${removable} of ${countText(all, 'host')} ${removable === 1 || all === 1 ? 'needs' : 'need'} the VPN no more; ${trusted} still ${trusted === 1 ? 'trusts' : 'trust'} the network.${decisionsText(report)}`
}

const decisionsText = ({ from, to }: MigrationReport): string =>
  from === undefined || to === undefined
    ? ''
    : ` Decisions from ${dayText(from)} to ${dayText(to)}.`

const sumOf = ({ standings }: MigrationReport, countOf: (standing: Standing) => number): number =>
  standings.reduce((total, each) => total + countOf(each), 0)

const summary = (report: MigrationReport): Html => {
  const ready = report.standings.filter(
    ({ isReady, stage }) => isReady && stage !== 'vpn_removable',
  ).length
  return figures([
    { value: report.stages.network_trusted, text: 'still trust the network' },
    { value: report.stages.vpn_removable, text: 'need the VPN no more' },
    { value: ready, text: 'ready for the next stage' },
    {
      value: sumOf(report, ({ callers }) => callers.machines.length),
      text: 'programs without an identity',
    },
    {
      value: sumOf(report, ({ callers }) => callers.vpnOnly.length),
      text: 'callers seen by the VPN only',
    },
  ])
}

const stagesSection = ({ stages, series }: MigrationReport): Html =>
  html`<section><h2>How far it is</h2><div class="pair"><div class="card">${barChart({
    caption: 'Hosts by stage',
    labelName: 'Stage',
    valueName: 'Hosts',
    bars: STAGE_ORDER.map((stage) => ({
      label: STAGE_NAMES[stage],
      parts: [{ name: 'hosts', tone: TONES[stage], value: stages[stage] }],
    })),
  })}</div><div class="card">${dayChart({
    caption: 'Refusals of callers who are known, by day',
    note:
      series.length === 0
        ? 'There was no log, so nothing is known of them.'
        : 'What only would be refused was let through, since the host is observed.',
    days: series.map(({ day, wouldRefuse, refused }) => ({
      label: dayText(day * 86_400),
      parts: [
        { name: 'would be refused', tone: 'warning', value: wouldRefuse },
        { name: 'refused', tone: 'danger', value: refused },
      ],
    })),
  })}</div></div></section>`

const overview = ({ standings, days }: MigrationReport): Html =>
  html`<section><h2>All hosts</h2>${table({
    caption: 'Where each host stands',
    columns: [
      { name: 'Host' },
      { name: 'Stage' },
      { name: 'Next stage' },
      { name: 'Requests', isNumber: true },
      { name: `Calm days of ${days}`, isNumber: true },
      { name: 'VPN only', isNumber: true },
      { name: 'Programs', isNumber: true },
    ],
    rows: standings.map((standing) => [
      joined(
        hostName(standing.host),
        standing.owner === undefined ? NOTHING : html`<br><small>${standing.owner}</small>`,
      ),
      joined(badge(TONES[standing.stage], STAGE_NAMES[standing.stage]), track(standing.stage)),
      readiness(standing),
      (standing.traffic?.requests ?? 0).toLocaleString('en'),
      String(Math.min(days, standing.daysWithoutSurprise)),
      String(standing.callers.vpnOnly.length),
      String(standing.callers.machines.length),
    ]),
  })}</section>`

const readiness = ({ stage, isReady, blockers }: Standing): Html => {
  if (stage === 'vpn_removable') return badge('good', 'arrived')
  return isReady ? badge('good', 'ready') : badge('warning', `${blockers.length} in the way`)
}

/** A long name is broken at its dots. */
const hostName = (host: string): Html =>
  html`${host.split('.').map((label, index) => html`${index === 0 ? NOTHING : html`.<wbr>`}${label}`)}`

/** Six steps, filled as far as the host has come. */
const track = (stage: Stage): Html => {
  const reached = STAGE_ORDER.indexOf(stage)
  return html`<svg class="track" viewBox="0 0 96 6" role="img" aria-label="step ${String(reached + 1)} of ${String(STAGE_ORDER.length)}">${STAGE_ORDER.map(
    (_each, index) =>
      html`<rect class="${index <= reached ? TONES[stage] : 'empty'}" x="${String(index * 16)}" y="0" width="14" height="6" rx="2"/>`,
  )}</svg>`
}

const hostDetails = (standing: Standing, { days }: MigrationReport): Html => {
  const { host, stage, callers, exposure, blockers, next, rollback, isReady } = standing
  const isGuarded = stage !== 'network_trusted'
  return html`<details><summary>${hostName(host)} ${badge(TONES[stage], STAGE_NAMES[stage])}</summary><div>
<p>${sentence(standing.meaning)}${standing.observedUntil === undefined ? '' : ` Enforced from ${dayText(standing.observedUntil)} on, whatever the log says.`}</p>
<dl>${pairs([
    ['Answers for it', standing.owner ?? 'nobody is named'],
    ['Traffic', trafficText(standing)],
    [
      'Without a surprise',
      `${Math.min(days, standing.daysWithoutSurprise)} of ${countText(days, 'day')}`,
    ],
  ])}</dl>
${list('Not guarded', isGuarded ? [] : placeTexts(exposure?.unguarded))}
${list(
  'In the way',
  blockers.map(({ text }) => text),
)}
${list('Can be reached without identity', isGuarded ? placeTexts(exposure?.openBackends) : [])}
${list('Still there from before', placeTexts(exposure?.leftovers))}
${list('Refused, or to be refused', callers.surprises.map(surpriseText))}
${list('Programs without an identity', callers.machines.map(machineText))}
${list('Seen by the VPN only', callers.vpnOnly.map(vpnText))}
<h3>Next${isReady ? '' : ', once nothing is in the way'}</h3><p>${next}</p>
<h3>Way back</h3><p>${rollback}</p>
</div></details>
`
}

type Ways = NonNullable<Standing['exposure']>['unguarded']

const placeTexts = (ways: Ways | undefined): readonly string[] =>
  (ways ?? []).map(({ place, why }) => `${place.object} (${place.file}:${place.line}): ${why}`)

const trafficText = (standing: Standing): string => {
  const { traffic, callers } = standing
  return traffic === undefined
    ? 'no decision in the log'
    : `${countText(traffic.requests, 'request')} (${zonesText(standing)}), ${peopleText(callers.people)}, ${countText(callers.workloads, 'program')} with an identity`
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const pairs = (all: readonly (readonly [string, string])[]): readonly Html[] =>
  all.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)

const MOST_LISTED = 20

const list = (title: string, items: readonly string[]): Html => {
  if (items.length === 0) return NOTHING
  const left = items.length - MOST_LISTED
  return html`<h3>${title}</h3><ul class="plain">${items.slice(0, MOST_LISTED).map((item) => html`<li>${item}</li>`)}${left > 0 ? html`<li>and ${String(left)} more; --json has all</li>` : NOTHING}</ul>`
}

const readingGuide = ({ days }: MigrationReport): Html =>
  html`<section><h2>How to read this</h2><div class="card"><dl>${STAGE_ORDER.map(
    (stage) => html`<dt>${STAGE_NAMES[stage]}</dt><dd>${sentence(STAGES[stage])}</dd>`,
  )}</dl>
<p>A surprise is the refusal of somebody who is known and whom nobody meant to refuse. ${countText(days, 'day')} without one are wanted before a host moves on. Programs without an identity are a guess from their habits: the log has no user agent.</p></div></section>`
