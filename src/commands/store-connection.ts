import { fail, ok, type Result } from '../core/result.ts'
import { type Config } from '../edge/config/config.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { createRecords } from '../service/sessions.ts'

const TRIES = 60
const PAUSE_MS = 50

/** The session store once it answers; else why it does not, in a few seconds. */
export const connectStore = async (config: Config): Promise<Result<RecordStore, string>> => {
  let lost = 'did not answer in time'
  const records = createRecords(
    config,
    {
      onLost: (detail) => {
        lost = detail
      },
      onProven: () => undefined,
    },
    () => undefined,
  )
  for (let tries = 0; tries < TRIES; tries += 1) {
    if ((await records.ping()).ok) return ok(records)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  await records.close()
  return fail(lost)
}
