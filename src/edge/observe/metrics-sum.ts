import { AggregatorRegistry, Registry } from 'prom-client'

/** What one process measured: metrics as prom-client tells of them. */
export type MetricsReport = readonly { readonly name: string; readonly type: unknown }[]

/** The text of one scrape for all of them; each metric says itself how it is put together. */
export const sumText = async (reports: readonly MetricsReport[]): Promise<string> =>
  await AggregatorRegistry.aggregate(reports.map(honest)).metrics()

export const sumReports = async (reports: readonly MetricsReport[]): Promise<MetricsReport> =>
  await AggregatorRegistry.aggregate(reports.map((report) => [...report])).getMetricsAsJSON()

/** What never goes down: counters and histograms. */
export const countsOf = (report: MetricsReport): MetricsReport =>
  report.filter(({ type }) => type === 'counter' || type === 'histogram')

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** The collector's own choices hide a process that is stuck or short of descriptors. */
const honest = (report: MetricsReport): object[] =>
  report.map((metric) => {
    const aggregator = HONEST.find(([name]) => name.test(metric.name))?.[1]
    return aggregator === undefined ? metric : { ...metric, aggregator }
  })

const HONEST: readonly (readonly [RegExp, string])[] = [
  [/_process_start_time_seconds$/, 'min'],
  [/_process_open_fds$/, 'max'],
  [/_process_max_fds$/, 'min'],
  [/_nodejs_eventloop_lag_(?!min_)/, 'max'],
]
