const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
])

/** Seconds of `30s`, `15m`, `8h`, `2d`; NaN for anything else, which no comparison satisfies. */
export const secondsOf = (text: string): number => {
  const [, amount, unit = ''] = /^([1-9][0-9]{0,5})([smhd])$/.exec(text) ?? []
  return Number(amount) * (UNIT_SECONDS.get(unit) ?? Number.NaN)
}
