import Sequencer from '@jest/test-sequencer'

/** Those that take longest, most of it waiting, begin first, so that none is left alone at the end. */
const FIRST = [
  'sessions/failover',
  'bench/bench',
  'e2e/refresh',
  'tokens/token-files',
  'attacks/store-faults',
  'attacks/store-races',
  'chaos/chaos',
  'e2e/sign-in',
  'e2e/migrate-verify',
  'workers/workers',
  'e2e/pages',
  'bench/workers',
  'e2e/report-pages',
  'e2e/sign-out',
].map((name) => `/test/${name}.test.ts`)

const placeOf = ({ path }) => {
  const place = FIRST.findIndex((end) => path.endsWith(end))
  return place === -1 ? FIRST.length : place
}

export default class extends Sequencer {
  async sort(tests) {
    return (await super.sort(tests)).toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}
