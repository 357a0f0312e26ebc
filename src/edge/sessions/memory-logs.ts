import { ok } from '../../core/result.ts'
import { type Changed } from './coherence.ts'
import { type LogEntry, type Logs } from './record-store.ts'

type Kept = LogEntry & { readonly at: number }

export const createMemoryLogs = (nowMs: () => number, changed: (names: Changed) => void): Logs => {
  const logs = new Map<string, readonly Kept[]>()
  let count = 0
  return {
    append: (name, texts, keepMs) => {
      const at = nowMs()
      const fresh = texts.map((text): Kept => {
        count += 1
        return { id: String(count).padStart(12, '0'), text, at }
      })
      const kept = (logs.get(name) ?? []).filter((each) => each.at > at - keepMs)
      logs.set(name, [...kept, ...fresh])
      changed([name])
      return Promise.resolve(ok(undefined))
    },
    entries: (name, after = '') =>
      Promise.resolve(ok((logs.get(name) ?? []).filter(({ id }) => id > after))),
  }
}
