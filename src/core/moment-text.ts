import { type EpochSeconds } from './ids.ts'

/** `2026-11-25 04:31 UTC` */
export const momentText = (at: EpochSeconds): string =>
  `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const STEPS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** `3 minutes ago`, rounded down; clocks differ, so the future is now. */
export const agoText = (at: EpochSeconds, now: EpochSeconds): string => {
  const passed = now - at
  const step = STEPS.find(([, seconds]) => passed >= seconds)
  if (step === undefined) return 'just now'
  const [unit, seconds] = step
  const count = Math.floor(passed / seconds)
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
