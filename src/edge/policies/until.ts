import { type EpochSeconds, epochSeconds } from '../../core/ids.ts'

/**
 * `2027-01-31` lasts through that day in UTC; `2027-01-31T18:00:00Z` ends at that second.
 *
 * @returns undefined for anything else, and for days that no calendar has
 */
export const parseUntil = (text: string): EpochSeconds | undefined => {
  const isDay = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)
  const isMoment = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{5,8}(?:Z|[+-][0-9]{2}:[0-9]{2})$/.test(text)
  if (!isDay && !isMoment) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms) || !existsInCalendar(text.slice(0, 10))) return undefined
  return epochSeconds(ms / 1000 + (isDay ? 86_400 : 0))
}

/** `Date.parse` takes 30 February for 2 March in some forms. */
const existsInCalendar = (day: string): boolean => {
  const parsed = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day)
}
