import { styleText } from 'node:util'
import { z } from 'zod'

const Decision = z.object({
  time: z.union([z.string(), z.number()]),
  effect: z.string(),
  reason: z.string(),
  status: z.number(),
  host: z.string().nullish(),
  method: z.string().nullish(),
  path: z.string().nullish(),
  principal: z.object({ actor: z.string().nullish(), subject: z.string().nullish() }).nullish(),
  rule: z.string().nullish(),
  latencyMs: z.number().nullish(),
})

type Decision = z.infer<typeof Decision>
type Colour = 'green' | 'yellow' | 'red' | 'dim'

export type Paint = (colour: Colour, text: string) => string

/** Colours only where somebody looks at a terminal, and NO_COLOR is not set. */
export const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout })

/** Client text: a control character could rewrite what the terminal shows. */
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '·')

const clip = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}~` : text.padEnd(width)

const colourOf = ({ status }: Decision): Colour => {
  if (status === 200) return 'green'
  return status === 401 ? 'yellow' : 'red'
}

const whoOf = ({ principal }: Decision): string =>
  principal?.subject === undefined || principal.subject === null
    ? 'nobody'
    : `${principal.actor ?? '?'} ${principal.subject}`

const rowOf = (decision: Decision, colour: Paint): string => {
  const { time, status, effect, reason, method, host, path, rule, latencyMs } = decision
  return [
    colour('dim', new Date(time).toTimeString().slice(0, 8)),
    colour(colourOf(decision), `${status} ${clip(effect, 9)}`),
    clip(reason, 20),
    clip(printable(whoOf(decision)), 18),
    clip(printable(method ?? ''), 6),
    printable(`${host ?? ''}${path ?? ''}`),
    colour(
      'dim',
      [
        rule ?? '',
        latencyMs === undefined || latencyMs === null ? '' : `${latencyMs.toFixed(1)} ms`,
      ]
        .filter((part) => part !== '')
        .join(' · '),
    ),
  ].join('  ')
}

/** A line of the decision log as one readable row; other lines as they are. */
export const decisionRow = (line: string, colour: Paint = paint): string => {
  try {
    const decision = Decision.safeParse(JSON.parse(line))
    return decision.success ? rowOf(decision.data, colour) : printable(line)
  } catch {
    return printable(line)
  }
}

const Notice = z
  .object({ level: z.string(), msg: z.string(), faults: z.array(z.string()) })
  .partial()

const LEVEL_COLOURS: ReadonlyMap<string, Colour> = new Map([
  ['warn', 'yellow'],
  ['error', 'red'],
  ['fatal', 'red'],
])

/** What Vestibule says about itself; a stack or a banner stays as it is. */
export const noticeRow = (line: string, colour: Paint = paint): string => {
  try {
    const { level = 'info', msg, faults = [] } = Notice.parse(JSON.parse(line))
    if (msg === undefined) return colour('dim', printable(line))
    const rows = [`vestibule ${level.padEnd(5)} ${printable(msg)}`, ...faults.map(printable)]
    return colour(LEVEL_COLOURS.get(level) ?? 'dim', rows.join('\n                '))
  } catch {
    return colour('dim', printable(line))
  }
}
