import { type Eventual } from '../../core/eventual.ts'
import { type Turnstile } from '../../flow/ports.ts'

export type TurnstileOptions = {
  /** So many may be at work at once. */
  readonly most: number
  /** So many may wait besides; who comes then is turned away. */
  readonly mostWaiting: number
  /** So many begin in one turn of the event loop. */
  readonly perTurn: number
}

/**
 * Lets work in, a few pieces a turn: between them, requests that need none are answered. Without
 * this, a flood of tokens that have to be looked at would keep everybody waiting.
 */
export const createTurnstile = ({ most, mostWaiting, perTurn }: TurnstileOptions): Turnstile => {
  const waiting: (() => void)[] = []
  let inside = 0
  let begun = 0
  let isTurning = false

  const leave = (): void => {
    inside -= 1
    turn()
  }
  const enter = <Value>(work: () => Eventual<Value>): Eventual<Value> => {
    inside += 1
    begun += 1
    turn()
    let result: Eventual<Value> | undefined
    try {
      result = work()
    } finally {
      if (!(result instanceof Promise)) leave()
    }
    return result instanceof Promise ? result.finally(leave) : result
  }
  const enterLater = async <Value>(work: () => Eventual<Value>): Promise<Value> => await enter(work)
  /** Has the next turn let in whoever may come then. */
  const turn = (): void => {
    if (isTurning) return
    isTurning = true
    setImmediate(() => {
      isTurning = false
      begun = 0
      for (const next of waiting.splice(0, Math.min(most - inside, perTurn))) next()
      if (waiting.length > 0 && inside < most) turn()
    })
  }
  return (work) => {
    if (waiting.length === 0 && inside < most && begun < perTurn) return enter(work)
    if (waiting.length >= mostWaiting) return undefined
    return new Promise((resolve) => {
      waiting.push(() => resolve(enterLater(work)))
      turn()
    })
  }
}
