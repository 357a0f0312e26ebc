import { comparisonTable } from './table.ts'
import { type Cost, type TokensReport } from './tokens.ts'

export const tokensTable = ({ verification, remembered, fresh, hostile }: TokensReport): string =>
  [
    `${'fresh tokens'.padEnd(14)}${'ours/s'.padStart(9)}${'jose/s'.padStart(9)}${'ratio'.padStart(8)}${'CPU us'.padStart(9)}${'jose us'.padStart(9)}${'ratio'.padStart(8)}`,
    ...verification.map(
      ({ algorithm, tokensPerSecond, cpuMicros, jose, throughput, cpu }) =>
        `${algorithm.padEnd(14)}${tokensPerSecond.toFixed(0).padStart(9)}${jose.tokensPerSecond.toFixed(0).padStart(9)}${throughput.toFixed(2).padStart(8)}${cpuMicros.toFixed(0).padStart(9)}${jose.cpuMicros.toFixed(0).padStart(9)}${cpu.toFixed(2).padStart(8)}`,
    ),
    '',
    comparisonTable(remembered),
    '',
    `${'over the wire'.padEnd(26)}${'requests/s'.padStart(12)}${'CPU us'.padStart(9)}${'ratio'.padStart(8)}${'calls'.padStart(7)}`,
    ...[fresh, ...hostile].map(costRow),
  ].join('\n')

const costRow = ({ what, requestsPerSecond, cpuMicros, ratio, calls }: Cost): string =>
  `${what.padEnd(26)}${requestsPerSecond.toFixed(0).padStart(12)}${cpuMicros.toFixed(1).padStart(9)}${ratio.toFixed(2).padStart(8)}${String(calls).padStart(7)}`
