import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { parseMoment } from '../core/policy/criteria/date.ts'

/** The value of `--at`; now, where it is not given. */
export const momentOption = (text: string | undefined): EpochSeconds => {
  const seconds = text === undefined ? Date.now() / 1000 : parseMoment(text)
  if (seconds !== undefined) return epochSeconds(seconds)
  throw new TypeError('--at is no moment: write 2027-01-31 or 2027-01-31T18:00:00Z')
}
