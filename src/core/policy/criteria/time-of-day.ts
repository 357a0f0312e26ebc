import { type EpochSeconds } from '../../ids.ts'
import { type Criterion, found } from '../criterion.ts'

export const timeOfDay: Criterion = {
  name: 'time_of_day',
  argument: 'time_of_day',
  proves: 'nothing',
  summary:
    'The time on the wall in `timezone` (UTC if none is given): from `after` until `before`. Where `after` is later, the span runs over midnight.',
  example: '{ time_of_day: { timezone: Europe/Berlin, after: "22:00", before: "6:00" } }',
  compile: ({ timezone, after, before }) => {
    const clock = wallClock(typeof timezone === 'string' ? timezone : 'UTC')
    const start = after === undefined ? 0 : (parseTimeOfDay(String(after)) ?? Number.NaN)
    const end = before === undefined ? 86_400 : (parseTimeOfDay(String(before)) ?? Number.NaN)
    return ({ now }) => {
      const { secondOfDay } = clock(now)
      return found(
        start <= end
          ? secondOfDay >= start && secondOfDay < end
          : secondOfDay >= start || secondOfDay < end,
      )
    }
  },
}

const TIME = /^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))? ?(am|pm)?$/i

/** Seconds since midnight of `9:30`, `14:20:00` or `4:30PM`; undefined for anything else. */
export const parseTimeOfDay = (text: string): number | undefined => {
  const [, hourText, minuteText, secondText = '0', half = ''] = TIME.exec(text) ?? []
  if (hourText === undefined) return undefined
  const [hour, minute, second] = [Number(hourText), Number(minuteText), Number(secondText)]
  if (minute > 59 || second > 59) return undefined
  const full = half === '' ? hour : fullHour(hour, half.toLowerCase())
  return full === undefined || full > 23 ? undefined : full * 3600 + minute * 60 + second
}

const fullHour = (hour: number, half: string): number | undefined => {
  if (hour < 1 || hour > 12) return undefined
  return (hour % 12) + (half === 'pm' ? 12 : 0)
}

export const isTimeZone = (name: string): boolean => {
  try {
    wallClock(name)
    return true
  } catch {
    return false
  }
}

type Wall = { readonly secondOfDay: number; readonly weekday: string }

/** What a clock on the wall shows there and then, daylight saving included. */
export const wallClock = (timezone: string): ((now: EpochSeconds) => Wall) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  return (now) => {
    const parts = new Map(format.formatToParts(now * 1000).map(({ type, value }) => [type, value]))
    const number = (type: 'hour' | 'minute' | 'second'): number =>
      Number(parts.get(type) ?? Number.NaN)
    return {
      secondOfDay: number('hour') * 3600 + number('minute') * 60 + number('second'),
      weekday: (parts.get('weekday') ?? '').toLowerCase(),
    }
  }
}
