import { describe, expect, test } from '@jest/globals'
import { createMetrics, type Metrics } from '../../src/edge/observe/metrics.ts'
import { type MetricsReport } from '../../src/edge/observe/metrics-sum.ts'
import {
  createPrimaryMetrics,
  type PrimaryMetrics,
} from '../../src/edge/observe/primary-metrics.ts'
import { policiesOf } from '../support/policies.ts'

const policies = await policiesOf({
  'a.yaml': 'hosts: [a.test]\npolicy: { allow: { and: [ { authenticated_user: true } ] } }\n',
})

const scrape = async (
  primary: PrimaryMetrics,
  reports: readonly MetricsReport[],
): Promise<ReadonlyMap<string, number>> => {
  const text = await primary.text({
    ready: reports.length,
    silent: 0,
    policyVersions: 1,
    reports: () => reports,
  })
  return new Map(
    text.split('\n').flatMap((line): readonly (readonly [string, number])[] => {
      const space = line.lastIndexOf(' ')
      return line.startsWith('#') || space === -1
        ? []
        : [[line.slice(0, space), Number(line.slice(space + 1))]]
    }),
  )
}

const worker = (act: (metrics: Metrics) => void): Promise<MetricsReport> => {
  const metrics = createMetrics()
  act(metrics)
  return metrics.report()
}

describe('one scrape of several workers', () => {
  test('adds up what was counted, by labels, the primary with them', async () => {
    const primary = createPrimaryMetrics(2)
    primary.called('session_store', 'ok', 0.0002)
    const sums = await scrape(primary, [
      await worker(({ signIn, called }) => {
        signIn('done')
        called('session_store', 'ok', 0.0003)
      }),
      await worker(({ signIn }) => {
        signIn('done')
        signIn('denied')
      }),
    ])
    expect(sums.get('vestibule_sign_ins_total{outcome="done"}')).toBe(2)
    expect(sums.get('vestibule_sign_ins_total{outcome="denied"}')).toBe(1)
    const calls = 'vestibule_dependency_seconds'
    expect(sums.get(`${calls}_count{dependency="session_store",outcome="ok"}`)).toBe(2)
    expect(sums.get(`${calls}_bucket{le="0.00025",dependency="session_store",outcome="ok"}`)).toBe(
      1,
    )
    expect(sums.get('vestibule_workers')).toBe(2)
  })

  test('tells the worst of what is a state, and adds none of them up', async () => {
    const old = { ...policies, version: 'old' }
    const sums = await scrape(createPrimaryMetrics(2), [
      await worker(({ policiesLoaded, storeHeard, insecure, issuerKeysConfirmed }) => {
        policiesLoaded(policies, 2000)
        storeHeard(true)
        insecure('verify.requireHost')
        issuerKeysConfirmed('ci', 300)
      }),
      await worker(({ policiesLoaded, storeHeard, insecure, issuerKeysConfirmed }) => {
        policiesLoaded(old, 1000)
        storeHeard(false)
        insecure('verify.requireHost')
        issuerKeysConfirmed('ci', 200)
      }),
    ])
    // Both, so that a worker that did not take over the new ones is seen.
    expect(sums.get(`vestibule_policy_info{version="${policies.version}"}`)).toBe(1)
    expect(sums.get('vestibule_policy_info{version="old"}')).toBe(1)
    expect(sums.get('vestibule_policy_loaded_timestamp_seconds')).toBe(1000)
    expect(sums.get('vestibule_store_changes_heard')).toBe(0)
    expect(sums.get('vestibule_insecure_setting{setting="verify.requireHost"}')).toBe(1)
    expect(sums.get('vestibule_issuer_keys_timestamp_seconds{issuer="ci"}')).toBe(200)
    expect(sums.get('vestibule_process_start_time_seconds')).toBeGreaterThan(0)
  })

  test('never goes down when workers end, however many do, and forgets their states', async () => {
    const primary = createPrimaryMetrics(2)
    const report = await worker(({ signIn, storeHeard }) => {
      signIn('done')
      storeHeard(false)
    })
    for (let ended = 1; ended <= 25; ended += 1) {
      primary.workerEnded('ended', report)
      const sums = await scrape(primary, [await worker(({ storeHeard }) => storeHeard(true))])
      expect(sums.get('vestibule_sign_ins_total{outcome="done"}')).toBe(ended)
      expect(sums.get('vestibule_worker_ends_total{why="ended"}')).toBe(ended)
      expect(sums.get('vestibule_store_changes_heard')).toBe(1)
    }
  })
})
