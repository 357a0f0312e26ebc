import { type Finding, type Severity } from '../../migrate/inventory/finding.ts'
import { type HostEntry, type Standing } from '../../migrate/inventory/hosts.ts'
import { type Inventory } from '../../migrate/inventory/inventory.ts'
import { countOf } from '../../migrate/inventory/shown.ts'
import { type PlannedHost, type Wave } from '../../migrate/inventory/waves.ts'
import { type Html, html } from '../http/html.ts'
import { barChart, donutChart } from './charts.ts'
import { badge, breakable, figures, NOTHING, reportPage, type Tone } from './page.ts'
import { table } from './table.ts'

const SEVERITIES: readonly (readonly [severity: Severity, tone: Tone, name: string])[] = [
  ['high', 'danger', 'High'],
  ['medium', 'warning', 'Medium'],
  ['low', 'notice', 'Low'],
]

const TONES: Readonly<Record<Severity, Tone>> = {
  high: 'danger',
  medium: 'warning',
  low: 'notice',
  info: 'calm',
}

/** The sign-in itself has nothing in front, and must not. */
type Shown = Standing | 'door'

const shownAs = ({ standing, isDoor }: HostEntry): Shown =>
  isDoor && standing === 'open' ? 'door' : standing

const STANDINGS: Readonly<Record<Shown, readonly [tone: Tone, name: string]>> = {
  vestibule: ['good', 'Vestibule asks who it is'],
  other_gate: ['notice', 'Another gate'],
  client_certificate: ['notice', 'Client certificates'],
  password: ['warning', 'A shared password'],
  addresses: ['warning', 'Addresses alone'],
  mixed: ['danger', 'Differs between its Ingresses'],
  open: ['danger', 'Nothing'],
  door: ['calm', 'The sign-in itself'],
}

/** The inventory for people who decide, and for those who do the work. */
export const inventoryPage = (inventory: Inventory, unread: number): string => {
  const { hosts, findings, objects, namespaces, controllers } = inventory
  const faults = findings.filter(({ severity }) => severity !== 'info')
  const releases = controllers.map(({ release }) => release ?? 'of an unknown release')
  return reportPage({
    title: 'What the network still decides',
    lead: `${countOf(hosts.length, 'host')} in ${countOf(namespaces.length, 'namespace')}: what lets people in today, which side doors there are, and in which order the hosts can move to identity.`,
    body: html`${figures([
      { value: hosts.length, text: 'hosts behind the ingress' },
      { value: hosts.filter(isGuarded).length, text: 'ask who it is, with Vestibule' },
      { value: count(faults, 'high'), text: 'findings that let people in, or soon will' },
      { value: faults.length, text: 'findings in all' },
    ])}
${unread === 0 ? NOTHING : html`<p><strong>Not all was read: ${countOf(unread, 'fault')}. What is missing here may be worse than what is here.</strong></p>`}
<section aria-labelledby="standing"><h2 id="standing">Where the hosts stand</h2><div class="pair"><div class="card">${standingChart(hosts)}</div><div class="card">${severityChart(faults)}${MEANINGS}</div></div></section>
<section aria-labelledby="plan"><h2 id="plan">The plan</h2>${planSection(inventory.waves)}</section>
<section aria-labelledby="first"><h2 id="first">What not to leave until then</h2>${urgent(faults)}</section>
<section aria-labelledby="hosts"><h2 id="hosts">Hosts</h2>${hostTable(hosts)}</section>
<section aria-labelledby="findings"><h2 id="findings">All findings</h2>${allFindings(findings)}</section>`,
    footer: `Made by vestibule migrate inventory from ${objects} objects; ingress-nginx ${releases.length === 0 ? 'was not among them' : releases.join(', ')}. It knows only what it was given to read, and no value of any Secret.`,
  })
}

const isGuarded = ({ standing }: HostEntry): boolean => standing === 'vestibule'

const count = (findings: readonly Finding[], wanted: Severity): number =>
  findings.filter(({ severity }) => severity === wanted).length

const standingChart = (hosts: readonly HostEntry[]): Html => {
  const order = Object.entries(STANDINGS).map(([standing, [tone, name]]) => ({
    name,
    tone,
    value: hosts.filter((each) => shownAs(each) === standing).length,
  }))
  return barChart({
    caption: 'What lets people in',
    note: 'hosts, by the strongest thing in front of them',
    labelName: 'What lets people in',
    valueName: 'Hosts',
    bars: order
      .filter(({ value }) => value > 0)
      .map(({ name, tone, value }) => ({ label: name, parts: [{ name: 'hosts', tone, value }] })),
  })
}

const severityChart = (faults: readonly Finding[]): Html =>
  donutChart({
    caption: 'Findings by severity',
    centre: String(faults.length),
    parts: SEVERITIES.map(([severity, tone, name]) => ({
      name,
      tone,
      value: count(faults, severity),
    })),
  })

const MEANINGS = html`<dl class="meanings"><dt>High</dt><dd>Lets in today who should not be, or can be made to.</dd><dt>Medium</dt><dd>Trust in the network, or a way around the gate that needs a foothold.</dd><dt>Low</dt><dd>To be cleared before the host moves.</dd></dl>`

const planSection = (waves: readonly Wave[]): Html => {
  if (waves.length === 0) return html`<p>Nothing is left to move.</p>`
  const efforts = barChart({
    caption: 'Effort of each wave',
    note: 'size, obstacles, machine callers and weight of its hosts, added up',
    labelName: 'Wave',
    valueName: 'Effort',
    bars: waves.map(({ name, hosts }, index) => ({
      label: `${index + 1}. ${name} (${hosts.length})`,
      parts: [
        {
          name: 'effort',
          tone: 'notice',
          value: hosts.reduce((sum, { effort }) => sum + effort, 0),
        },
      ],
    })),
  })
  return html`<div class="card">${efforts}</div>${waves.map(waveSection)}`
}

const waveSection = ({ name, aim, hosts }: Wave, index: number): Html =>
  html`<h3>Wave ${String(index + 1)}: ${name}</h3><p>${aim}</p>${hosts.map(plannedHost)}
`

const plannedHost = ({ host, effort, because, first }: PlannedHost): Html =>
  html`<details><summary>${breakable(host)} ${badge('calm', `effort ${effort}`)}</summary><div><p>${sentence(because)}</p>${
    first.length === 0
      ? html`<p>Nothing stands in the way.</p>`
      : html`<p>Before its gate enforces:</p><ul class="plain">${first.map((task) => html`<li>${task}</li>`)}</ul>`
  }</div></details>`

const sentence = (parts: readonly string[]): string => {
  const text = parts.join('; ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

const urgent = (faults: readonly Finding[]): Html => {
  const high = faults.filter(({ severity }) => severity === 'high')
  const kinds = [...Map.groupBy(high, ({ id }) => id).values()]
  return kinds.length === 0
    ? html`<p>Nothing of high severity was found.</p>`
    : html`<p>Each of these is open today, whatever the plan says. Most are one line of YAML.</p>${kinds.map(kindCard)}`
}

const kindCard = (findings: readonly Finding[]): Html => {
  const [first] = findings
  if (first === undefined) return NOTHING
  return html`<div class="card"><h3>${first.title} ${badge(TONES[first.severity], String(findings.length))}</h3><p>${first.why}</p><p><strong>Next:</strong> ${first.next}</p><ul class="plain">${findings.map(occurrence)}</ul></div>
`
}

const occurrence = ({ what, places, hosts }: Finding): Html =>
  html`<li>${what}<br><small>${hosts.length === 0 ? '' : `${hosts.join(', ')} · `}${places[0].object}, <code>${places[0].file}:${String(places[0].line)}</code></small></li>`

const hostTable = (hosts: readonly HostEntry[]): Html =>
  table({
    caption: 'Every host, with what is in front of it',
    columns: [
      { name: 'Host' },
      { name: 'What lets people in' },
      { name: 'Application' },
      { name: 'Internal by' },
      { name: 'Findings', isNumber: true },
    ],
    rows: hosts.map((entry) => {
      const [tone, name] = STANDINGS[shownAs(entry)]
      return [
        html`${breakable(entry.host)}<br><small>${breakable(entry.ingresses.join(', '))}</small>`,
        badge(tone, name),
        applicationCell(entry),
        entry.internalBecause.length === 0
          ? html`<small>nothing says so</small>`
          : entry.internalBecause.join(', '),
        String(entry.findings.length),
      ]
    }),
  })

const applicationCell = ({ application }: HostEntry): Html => {
  if (application === undefined) return html`<small>not recognised</small>`
  const { title, preset } = application
  return html`${title}<br><small>${preset ?? 'no preset'}</small>`
}

const allFindings = (findings: readonly Finding[]): Html => {
  const kinds = [...Map.groupBy(findings, ({ id }) => id).values()]
  return html`<p>Worst first. Each one opens.</p>${kinds.map(kindDetails)}`
}

const kindDetails = (findings: readonly Finding[]): Html => {
  const [first] = findings
  if (first === undefined) return NOTHING
  const { id, title, severity, why, next } = first
  return html`<details><summary>${title} ${badge(TONES[severity], severity)} ${badge('calm', String(findings.length))}</summary><div><p>${why}</p><p><strong>Next:</strong> ${next}</p><p><small><code>${id}</code></small></p><ul class="plain">${findings.map(occurrence)}</ul></div></details>
`
}
