import { runWorker } from './commands/serve-worker.ts'
import { complain } from './commands/terminal.ts'

try {
  process.exitCode = await runWorker(process.env)
} catch (error) {
  complain(`a worker cannot start: ${error instanceof Error ? error.message : String(error)}`)
  // What was begun until then would keep it running.
  process.exit(2)
}
