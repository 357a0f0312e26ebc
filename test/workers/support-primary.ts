import { join } from 'node:path'
import { bindAddresses } from '../../src/edge/workers/bound-address.ts'
import { createWorkers } from '../../src/edge/workers/workers.ts'

/** A primary with one worker, whose process it names. */
const workers = createWorkers({
  count: 1,
  program: join(import.meta.dirname, 'support-program.ts'),
  sockets: await bindAddresses({ verify: '127.0.0.1:0', public: '127.0.0.1:0' }, 2),
  order: { configFile: '', configText: 'serve' },
  monotonicMs: () => performance.now(),
  onReady: ({ pid }) => {
    process.stdout.write(`${pid}\n`)
  },
  onEnded: () => undefined,
})
workers.start()
