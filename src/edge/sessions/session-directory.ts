import { epochSeconds, type SessionKey } from '../../core/ids.ts'
import { ok, type Result } from '../../core/result.ts'
import { type ListedSession, type SessionDirectory } from '../../flow/session-ports.ts'
import { keyOfName, SESSION_NAME_END, SESSION_NAME_START, sessionName } from './names.ts'
import { type RecordStore } from './record-store.ts'
import { type SessionIndex } from './session-index.ts'
import { type SessionUse } from './session-use.ts'

/** Who has which sessions, from the index of a subject or from the names in the store. */
export const createSessionDirectory = (
  records: Pick<RecordStore, 'list' | 'get'>,
  index: SessionIndex,
  use: Pick<SessionUse, 'lastUse'>,
): SessionDirectory => {
  const listed = async (
    names: readonly string[],
  ): Promise<Result<readonly ListedSession[], 'unreachable'>> => {
    const sessions: ListedSession[] = []
    for (const key of names.flatMap((name) => keyOfName(name) ?? [])) {
      const used = await use.lastUse(key)
      if (!used.ok) return used
      if (used.value !== undefined) sessions.push(entryOf(key, used.value))
    }
    return ok(sessions)
  }
  return {
    of: index.list,
    find: async (key) => {
      const [session, used] = await Promise.all([records.get(sessionName(key)), use.lastUse(key)])
      if (!session.ok) return session
      if (!used.ok) return used
      const isThere = session.value !== undefined && used.value !== undefined
      return ok(isThere ? entryOf(key, used.value) : undefined)
    },
    all: async function* (keyStart) {
      for await (const names of records.list(
        `${SESSION_NAME_START}${keyStart}`,
        SESSION_NAME_END,
      )) {
        yield names.ok ? await listed(names.value) : names
      }
    },
  }
}

const entryOf = (key: SessionKey, lastUsedMs: number): ListedSession => ({
  key,
  createdAt: undefined,
  lastUsedAt: epochSeconds(lastUsedMs / 1000),
  browser: undefined,
})
