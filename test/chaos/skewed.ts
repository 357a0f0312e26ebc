/**
 * Vestibule with a clock that is wrong: `VESTIBULE`'s own variables are read strictly, so the shift
 * stands in one of another name, in milliseconds.
 */
const skewMs = Number(process.env['CLOCK_SKEW_MS'] ?? '0')
const trueNow = Date.now.bind(Date)
Date.now = () => trueNow() + skewMs

await import('../../src/main.ts')
