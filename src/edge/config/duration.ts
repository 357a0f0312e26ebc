import { z } from 'zod'

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
const DURATION = /^([1-9][0-9]{0,5})(ms|s|m|h|d)$/

/** Milliseconds of `8h`, `60s`, `250ms`; undefined for anything else. */
export const parseDuration = (text: string): number | undefined => {
  const [, amount, unit = ''] = DURATION.exec(text) ?? []
  const unitMs = UNIT_MS.get(unit)
  return amount === undefined || unitMs === undefined ? undefined : Number(amount) * unitMs
}

/** A duration in a file, between two others; its value is in milliseconds. */
export const duration = (
  shortest: string,
  longest: string,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> =>
  z
    .string({ error: 'not a duration. Write a number and a unit, such as 30s, 15m or 8h' })
    .transform((text, context) => {
      const ms = parseDuration(text)
      const within =
        ms !== undefined &&
        ms >= (parseDuration(shortest) ?? 0) &&
        ms <= (parseDuration(longest) ?? 0)
      if (within) return ms
      context.addIssue({
        code: 'custom',
        message:
          ms === undefined
            ? `${JSON.stringify(text.slice(0, 20))} is not a duration. Write a number and a unit, such as 30s, 15m or 8h`
            : `is out of range. Choose between ${shortest} and ${longest}`,
      })
      return z.NEVER
    })
