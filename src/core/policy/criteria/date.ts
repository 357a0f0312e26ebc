import { type Criterion, found } from '../criterion.ts'

export const date: Criterion = {
  name: 'date',
  argument: 'date',
  proves: 'nothing',
  summary: 'The moment: `after` and `before`, as a day or a time; without an offset in UTC.',
  example: '{ date: { after: 2026-01-01, before: 2027-01-01T09:00:00Z } }',
  compile: ({ after, before }) => {
    const start = after === undefined ? undefined : parseMoment(String(after))
    const end = before === undefined ? undefined : parseMoment(String(before))
    return ({ now }) =>
      found((start === undefined || now >= start) && (end === undefined || now < end))
  },
}

const MOMENT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|[+-][0-9]{2}:[0-9]{2})?)?$/

/** Seconds since 1970 of an ISO 8601 day or time, UTC unless it says otherwise. */
export const parseMoment = (text: string): number | undefined => {
  const [, day, time = '00:00:00', offset = 'Z'] = MOMENT.exec(text) ?? []
  if (day === undefined) return undefined
  const midnight = new Date(`${day}T00:00:00Z`)
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
  const ms = Date.parse(`${day}T${time}${offset}`)
  return exists && !Number.isNaN(ms) ? ms / 1000 : undefined
}
