import { type Criterion, found } from '../criterion.ts'
import { wallClock } from './time-of-day.ts'

export const dayOfWeek: Criterion = {
  name: 'day_of_week',
  argument: 'day_of_week',
  proves: 'nothing',
  summary:
    'The day, in UTC unless `timezone` says otherwise: one (`tue`), several (`tue,thu`), a span (`mon-fri`, also `sat-mon`) or `*`.',
  example: '{ day_of_week: mon-fri }',
  compile: ({ is, timezone }) => {
    const days = parseDays(typeof is === 'string' ? is : '') ?? new Set()
    const clock = wallClock(typeof timezone === 'string' ? timezone : 'UTC')
    return ({ now }) => found(days.has(clock(now).weekday))
  },
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** The days that a text such as `mon-wed,sat` names; undefined where it names none. */
export const parseDays = (text: string): ReadonlySet<string> | undefined => {
  if (text === '*') return new Set(DAYS)
  const named = text
    .toLowerCase()
    .split(',')
    .map((part) => parseSpan(part.trim()))
  return named.includes(undefined) ? undefined : new Set(named.flatMap((span) => span ?? []))
}

const parseSpan = (text: string): readonly string[] | undefined => {
  const ends = text.split('-').map(dayIndex)
  const [first] = ends
  const last = ends.at(-1)
  if (first === undefined || last === undefined || ends.length > 2) return undefined
  const length = ((last - first + 7) % 7) + 1
  return Array.from({ length }, (_each, step) => DAYS[(first + step) % 7] ?? '')
}

/** Three letters or the whole name. */
const dayIndex = (text: string): number | undefined => {
  const index = DAYS.findIndex((day, position) => text === day || text === WHOLE_NAMES[position])
  return index === -1 ? undefined : index
}

const WHOLE_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
