import { expect, test } from '@jest/globals'
import { benchWorkers, workersTable } from '../../bench/workers.ts'

test('the benchmark of workers meets no error, and says what a request costs with and without', async () => {
  const report = await benchWorkers({ rounds: 1, seconds: 1 }, () => undefined)
  expect(report).toMatchObject({
    one: { workers: 1, cpuMicros: expect.any(Number) },
    many: { workers: report.cores, cpuMicros: expect.any(Number) },
  })
  expect(report.rateFactor).toBeGreaterThan(0)
  expect(report.capacityFactor).toBeGreaterThan(0)
  expect(workersTable(report)).toContain(`with ${report.cores} cores for the service`)
}, 60_000)
