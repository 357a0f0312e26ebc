import { type Config } from '../edge/config/config.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { type FindFailure, findSession, listSessions } from '../flow/find-sessions.ts'
import { revoke } from '../flow/revoke.ts'
import { createSessions, findPorts, revokePorts, type Sessions } from '../service/sessions.ts'
import { readKeyRing } from './service-input.ts'
import { type SessionOffice } from './session-office.ts'
import { connectStore } from './store-connection.ts'

/** The sessions of the store that the configuration names, without a service. */
export const openSessions = async (
  config: Config,
): Promise<{ readonly sessions: Sessions; readonly records: RecordStore }> => {
  const ring = readKeyRing(config)
  if (!ring.ok) throw new Error(ring.failure.map(({ problem }) => problem).join(', '))
  const connected = await connectStore(config)
  if (!connected.ok) throw new Error(`the session store does not answer: ${connected.failure}`)
  const records = connected.value
  const metrics = { sessionRead: () => undefined, revocationLearnt: () => undefined }
  return { sessions: createSessions(config, records, () => ring.value, metrics), records }
}

export const openStoreOffice = async (config: Config): Promise<SessionOffice> => {
  const { sessions, records } = await openSessions(config)
  return { ...storeOffice(config, sessions), close: records.close }
}

export const storeOffice = (config: Config, sessions: Sessions): Omit<SessionOffice, 'close'> => ({
  list: async (subject, most) => {
    const found = await listSessions(findPorts(config, sessions), subject, most)
    if (!found.ok) throw new Error(PROBLEMS[found.failure])
    return found.value
  },
  find: async (keyStart) => {
    const found = await findSession(findPorts(config, sessions), keyStart)
    if (!found.ok) throw new Error(PROBLEMS[found.failure])
    return found.value
  },
  end: async (order) => {
    const revoked = await revoke(revokePorts(config, sessions), order)
    if (!revoked.ok) throw new Error(PROBLEMS[revoked.failure])
    return revoked.value.sessions
  },
})

const PROBLEMS: Readonly<Record<FindFailure, string>> = {
  unreachable: 'the session store does not answer; whether anything ended is not known',
  ambiguous: 'several keys begin so: write more of it',
}
