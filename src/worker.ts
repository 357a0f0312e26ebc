import { runWorker } from './commands/serve-worker.ts'

process.exitCode = await runWorker(process.env)
