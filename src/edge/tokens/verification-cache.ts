import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Eventual, thenAt } from '../../core/eventual.ts'
import { type Authenticated } from '../../core/principal.ts'
import { fail, type Result } from '../../core/result.ts'
import { type TokenFailure, type Turnstile } from '../../flow/ports.ts'

/** What came of looking at a token, and for how long that is so. */
export type Verification = {
  readonly outcome: Result<Authenticated, TokenFailure>
  /** Seconds since 1970; not kept if this is not to come. */
  readonly until: number
  /** False once it has to be looked at anew, for example because keys were replaced. */
  readonly stillHolds: () => boolean
}

export type VerificationCacheOptions = {
  readonly nowSeconds: () => number
  /** Called for each token: `hit`, `shared` with a verification under way, or `miss`. */
  readonly observe: (outcome: 'hit' | 'shared' | 'miss') => void
}

const OVERLOADED: Verification['outcome'] = fail('overloaded')

const outcomeOf = ({ outcome }: Verification): Verification['outcome'] => outcome

/** Longest time for which a verified token is not looked at again. */
export const LONGEST_KEPT_SECONDS = 300
/** A bad token is refused for so long without looking; short, since keys and clocks move on. */
export const REFUSED_SECONDS = 10

const MOST_KEPT = 10_000
const MOST_KEPT_LENGTH = 16 * 1024 * 1024

/**
 * Remembers tokens by the hash of every byte of them: facts about the caller, never a decision, so
 * policies and revocations are asked each time. A flood of bad tokens pushes no good one out.
 */
export const createVerificationCache = ({
  nowSeconds,
  observe,
}: VerificationCacheOptions): ((
  token: string,
  verify: () => Eventual<Verification>,
  /** Asked only where the token has to be looked at. */
  admit?: Turnstile,
) => Eventual<Verification['outcome']>) => {
  const good = new LRUCache<string, Verification>({ max: MOST_KEPT, maxSize: MOST_KEPT_LENGTH })
  const bad = new LRUCache<string, Verification>({ max: MOST_KEPT })
  const running = new Map<string, Promise<Verification>>()

  const find = (name: string): Verification | undefined => {
    const kept = good.get(name) ?? bad.get(name)
    if (kept === undefined) return undefined
    if (nowSeconds() < kept.until && kept.stillHolds()) return kept
    good.delete(name)
    bad.delete(name)
    return undefined
  }
  const keep = (name: string, size: number, verification: Verification): Verification => {
    if (nowSeconds() < verification.until) {
      if (verification.outcome.ok) good.set(name, verification, { size })
      else bad.set(name, verification)
    }
    return verification
  }
  const untilDone = (name: string, looking: Promise<Verification>): Promise<Verification> =>
    looking.finally(() => {
      running.delete(name)
    })
  return (token, verify, admit = (work) => work()) => {
    const name = hash('sha256', token, 'binary')
    const kept = find(name)
    if (kept !== undefined) {
      observe('hit')
      return kept.outcome
    }
    const looking = running.get(name)
    observe(looking === undefined ? 'miss' : 'shared')
    if (looking !== undefined) return thenAt(looking, outcomeOf)
    const begun = admit(() => thenAt(verify(), (found) => keep(name, token.length, found)))
    if (begun === undefined) return OVERLOADED
    if (begun instanceof Promise) running.set(name, untilDone(name, begun))
    return thenAt(running.get(name) ?? begun, outcomeOf)
  }
}
