import { LRUCache } from 'lru-cache'
import { thenAt } from '../../core/eventual.ts'
import { type EpochSeconds, epochSeconds } from '../../core/ids.ts'
import { type Authenticated } from '../../core/principal.ts'
import { fail, ok } from '../../core/result.ts'
import {
  judgeServiceToken,
  rotated,
  type ServiceToken,
  serviceTokenPrincipal,
  stateOf,
} from '../../core/service-token.ts'
import { type ListedToken, type ServiceTokens } from '../../flow/service-token-ports.ts'
import { createCoherentCache } from '../sessions/coherent-cache.ts'
import { type Outcome, type RecordStore } from '../sessions/record-store.ts'
import { createTokenChanges, lifeOf, type TokenChangesOptions } from './token-changes.ts'
import {
  grantName,
  idOfName,
  NAME_END,
  NAME_START,
  openToken,
  sealToken,
  usedName,
} from './token-record.ts'
import { digestOf, idOfText, mintId, mintText } from './token-text.ts'

export type ServiceTokenStoreOptions = TokenChangesOptions & {
  /** Vouches for these tokens: the public URL. */
  readonly issuer: string
  /** While the store is unreachable, what was known so recently is still served. */
  readonly serveKnownForMs: number
}

type Verified = Awaited<ReturnType<ServiceTokens['verify']>>

type Opened = {
  readonly token: ServiceToken
  readonly principal: Authenticated
  readonly keyId: string
  readonly bytes: number
}

const CACHE_BYTES = 16 * 1024 * 1024
/** Use is written down at most so often: a store is not written to for every request. */
const USE_EVERY_MS = 60_000
/** Replicas may differ for minutes in which key is the newest; they need not undo each other. */
const RESEAL_EVERY_MS = 3_600_000
const MOST_NOTED = 10_000
const PORTION = 100

/**
 * Tokens of our own as sealed records, which hold hashes of the texts that count. What was read is
 * kept here for as long as the store says that it is still so.
 */
export const createServiceTokenStore = (options: ServiceTokenStoreOptions): ServiceTokens => {
  const { records, ring, issuer, nowMs } = options
  const now = (): EpochSeconds => epochSeconds(nowMs() / 1000)
  const change = createTokenChanges(options)
  const cache = createCoherentCache<Opened>({
    ...options,
    coherence: records.coherence,
    sizeOf: ({ bytes }) => bytes * 3,
    largestBytes: CACHE_BYTES,
    observe: () => undefined,
  })
  const isDue = createPacer(nowMs)

  const load = async (id: string): Promise<Outcome<Opened | undefined>> => {
    const found = await records.get(grantName(id))
    if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found
    const opened = openToken(ring(), id, found.value)
    if (opened.kind === 'newer') return fail('unreachable')
    // An unreadable one is left alone: its key may come back.
    if (opened.kind === 'unreadable') return ok(undefined)
    const { token, keyId } = opened
    const principal = serviceTokenPrincipal(token, issuer)
    return ok({ token, keyId, principal, bytes: found.value.length })
  }
  /** A key is retired one day; what is in use is not to be lost with it. */
  const reseal = async ({ id }: ServiceToken, keyId: string): Promise<void> => {
    if (keyId !== ring()[0].id && isDue(`reseal ${id}`, RESEAL_EVERY_MS)) await change(id, ok)
  }
  /** Behind the answer: nobody waits for it, and what is lost is written a minute later. */
  const noteUse = ({ token, keyId }: Opened): void => {
    if (!isDue(token.id, USE_EVERY_MS)) return
    const stamp = Buffer.from(String(nowMs()))
    void records.put(usedName(token.id), stamp, lifeOf(token, nowMs()))
    void reseal(token, keyId)
  }
  const find = async (id: string): Promise<Outcome<ListedToken | undefined>> => {
    const [found, used] = await Promise.all([records.get(grantName(id)), records.get(usedName(id))])
    if (!found.ok) return found
    if (!used.ok) return used
    if (found.value === undefined) return ok(undefined)
    const opened = openToken(ring(), id, found.value)
    if (opened.kind === 'newer') return fail('unreachable')
    if (opened.kind === 'unreadable') return ok({ kind: 'unreadable', id })
    await reseal(opened.token, opened.keyId)
    return ok({ kind: 'readable', id, token: opened.token, lastUsedAt: momentOf(used.value) })
  }
  const findAll = async (ids: readonly string[]): Promise<Outcome<readonly ListedToken[]>> => {
    const listed: ListedToken[] = []
    for (let start = 0; start < ids.length; start += PORTION) {
      for (const each of await Promise.all(ids.slice(start, start + PORTION).map(find))) {
        if (!each.ok) return each
        if (each.value !== undefined) listed.push(each.value)
      }
    }
    return ok(listed.toSorted(newestFirst))
  }
  const list: ServiceTokens['list'] = async () => {
    const ids = await idsIn(records)
    return ids.ok ? await findAll(ids.value) : ids
  }
  const end: ServiceTokens['end'] = async (id) => {
    const revokedAt = now()
    const ended = await change(id, (token) =>
      ok({ ...token, revokedAt: token.revokedAt ?? revokedAt }),
    )
    cache.forget(grantName(id))
    if (ended.ok || ended.failure === 'not_found') return ok(undefined)
    // What cannot be read lets nobody in; but its key may come back.
    return ended.failure === 'unreadable'
      ? await records.remove([grantName(id)])
      : fail('unreachable')
  }
  return {
    verify: (text, host) => {
      const id = idOfText(text)
      if (id === undefined) return fail('invalid')
      const read = cache.read(grantName(id), () => load(id))
      return thenAt<Outcome<Opened | undefined>, Verified>(read, (found) => {
        if (!found.ok) return fail('store_unreachable')
        if (found.value === undefined) return fail('invalid')
        const judged = judgeServiceToken(found.value.token, digestOf(text), { host, now: now() })
        if (!judged.ok) return judged
        noteUse(found.value)
        return ok(found.value.principal)
      })
    },
    create: async (grant) => {
      const id = mintId()
      const text = mintText(id)
      const createdMs = nowMs()
      const secret = { digest: digestOf(text), issuedAt: now(), until: undefined }
      const token = { ...grant, id, createdMs, revokedAt: undefined, secrets: [secret] }
      const put = await records.put(grantName(id), sealToken(ring(), token), lifeOf(token, nowMs()))
      return put.ok ? ok({ text, token }) : put
    },
    list,
    page: async (after, most) => {
      const ids = await idsIn(records)
      if (!ids.ok) return ids
      const later = ids.value.filter((id) => id > after)
      const some = later.slice(0, most)
      const tokens = await findAll(some)
      const next = later.length > some.length ? some.at(-1) : undefined
      return tokens.ok ? ok({ tokens: tokens.value, next }) : tokens
    },
    find,
    rotate: async (id, rotation) => {
      const text = mintText(id)
      const at = now()
      const changed = await change(id, (token) =>
        stateOf(token, at) === 'in_force'
          ? ok(rotated(token, digestOf(text), rotation, at))
          : fail('over'),
      )
      cache.forget(grantName(id))
      if (changed.ok) return ok({ text, token: changed.value })
      return fail(changed.failure === 'unreadable' ? 'not_found' : changed.failure)
    },
    end,
    endUntil: async (ms) => {
      const listed = await list()
      if (!listed.ok) return listed
      for (const each of listed.value) {
        if (each.kind === 'readable' && !isEnded(each.token, ms)) continue
        const ended = await end(each.id)
        if (!ended.ok) return ended
      }
      return ok(undefined)
    },
  }
}

/** In order, each once: a store may name one twice while it names all. */
const idsIn = async (records: Pick<RecordStore, 'list'>): Promise<Outcome<readonly string[]>> => {
  const ids = new Set<string>()
  for await (const names of records.list(NAME_START, NAME_END)) {
    if (!names.ok) return names
    for (const id of names.value.flatMap((name) => idOfName(name) ?? [])) ids.add(id)
  }
  return ok([...ids].toSorted())
}

/** Whether an order to end all of before that moment means this one. */
const isEnded = ({ createdMs, revokedAt }: ServiceToken, ms: number): boolean =>
  revokedAt === undefined && createdMs <= ms

/** Of one moment, by id: a list that nobody changed is the same each time. */
const newestFirst = (one: ListedToken, other: ListedToken): number =>
  createdMs(other) - createdMs(one) || (one.id < other.id ? -1 : 1)

const createdMs = (listed: ListedToken): number =>
  listed.kind === 'readable' ? listed.token.createdMs : 0

/** What a store held is input like any other. */
const momentOf = (stamp: Buffer | undefined): EpochSeconds | undefined => {
  const ms = stamp === undefined ? Number.NaN : Number(stamp.toString('latin1'))
  return Number.isSafeInteger(ms) && ms >= 0 ? epochSeconds(ms / 1000) : undefined
}

/** Whether something is due again; says yes once in that time. */
const createPacer = (nowMs: () => number): ((what: string, everyMs: number) => boolean) => {
  const done = new LRUCache<string, number>({ max: MOST_NOTED })
  return (what, everyMs) => {
    const last = done.get(what)
    if (last !== undefined && nowMs() - last < everyMs && nowMs() >= last) return false
    done.set(what, nowMs())
    return true
  }
}
