import { parseSessionKey, type SessionKey } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { meanings, type SubjectNames } from './revoke.ts'
import { type ListedSession, type SessionDirectory } from './session-ports.ts'

export type FindPorts = {
  readonly directory: SessionDirectory
  readonly names: SubjectNames
}

/** `isWhole` is false where there are more than were asked for. */
export type SessionList = { readonly sessions: readonly ListedSession[]; readonly isWhole: boolean }

/** The sessions of one subject, newest first; without one those of anybody, in no order. */
export const listSessions = async (
  { directory, names }: FindPorts,
  subject: string | undefined,
  most: number,
): Promise<Result<SessionList, 'unreachable'>> => {
  if (subject === undefined) return await collect(directory, '', most)
  const all: ListedSession[] = []
  for (const [issuer, meant] of meanings(names, subject)) {
    const listed = await directory.of(issuer, meant)
    if (!listed.ok) return listed
    all.push(...listed.value)
  }
  return ok({ sessions: all.slice(0, most), isWhole: all.length <= most })
}

export type FindFailure = 'unreachable' | 'ambiguous'

/** A whole key, or as much of its beginning as the decision log shows. */
export const isKeyStart = (text: string): boolean => /^[A-Za-z0-9_-]{8,43}$/.test(text)

/** The one session whose key is that, or begins so. */
export const findSession = async (
  { directory }: Pick<FindPorts, 'directory'>,
  keyStart: string,
): Promise<Result<ListedSession | undefined, FindFailure>> => {
  if (!isKeyStart(keyStart)) return ok(undefined)
  const key = parseSessionKey(keyStart)
  if (key !== undefined) return await directory.find(key)
  const found = await collect(directory, keyStart, 1)
  if (!found.ok) return found
  return found.value.isWhole ? ok(found.value.sessions[0]) : fail('ambiguous')
}

/** A store may name one twice while it names all. */
const collect = async (
  directory: Pick<SessionDirectory, 'all'>,
  keyStart: string,
  most: number,
): Promise<Result<SessionList, 'unreachable'>> => {
  const found = new Map<SessionKey, ListedSession>()
  for await (const some of directory.all(keyStart)) {
    if (!some.ok) return some
    for (const session of some.value) {
      if (found.size === most && !found.has(session.key)) {
        return ok({ sessions: [...found.values()], isWhole: false })
      }
      found.set(session.key, session)
    }
  }
  return ok({ sessions: [...found.values()], isWhole: true })
}
