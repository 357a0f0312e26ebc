/** One answer to the drill's request. */
export type DrillAnswer = {
  /** `unclear` is neither: no answer, an error, or places that do not agree. */
  readonly verdict: 'allowed' | 'refused' | 'unclear'
  /** Such as `401 unknown_session`, for people. */
  readonly detail: string
}

export type DrillPorts = {
  /** Asks every place that is watched once. */
  readonly ask: () => Promise<DrillAnswer>
  /** Ends all that the subject has; throws where that cannot be done. */
  readonly revoke: () => Promise<void>
  readonly monotonicMs: () => number
  readonly delay: (ms: number) => Promise<void>
}

/** Times in milliseconds since the order to revoke. */
export type DrillReport =
  /** It was not allowed to begin with: nothing was revoked, and nothing is proven. */
  | { readonly kind: 'not_allowed'; readonly before: DrillAnswer }
  | {
      readonly kind: 'refused' | 'still_allowed'
      readonly before: DrillAnswer
      readonly after: DrillAnswer
      readonly acknowledgedMs: number
      /** When the first refusal came after which nothing was allowed; undefined: never. */
      readonly lagMs: number | undefined
    }

/** So often before, so that whatever keeps answers has one to keep. */
const WARM_UP = 3
/** So often after: one replica may refuse while another still allows. */
const STEADY = 10
const POLL_MS = 10

/** Allowed, revoked, refused: and how long that took. */
export const drillRevocation = async (
  ports: DrillPorts,
  withinMs: number,
): Promise<DrillReport> => {
  let before: DrillAnswer = { verdict: 'unclear', detail: 'not asked' }
  for (let times = 0; times < WARM_UP; times += 1) {
    before = await ports.ask()
    if (before.verdict !== 'allowed') return { kind: 'not_allowed', before }
  }
  const orderedAt = ports.monotonicMs()
  await ports.revoke()
  const acknowledgedMs = ports.monotonicMs() - orderedAt
  const { after, lagMs } = await untilSteady(ports, orderedAt, withinMs)
  const isInTime = lagMs !== undefined && lagMs <= withinMs
  return { kind: isInTime ? 'refused' : 'still_allowed', before, after, acknowledgedMs, lagMs }
}

const untilSteady = async (
  { ask, monotonicMs, delay }: DrillPorts,
  orderedAt: number,
  withinMs: number,
): Promise<{ readonly after: DrillAnswer; readonly lagMs: number | undefined }> => {
  let lagMs: number | undefined
  let streak = 0
  for (;;) {
    const after = await ask()
    const passed = monotonicMs() - orderedAt
    const isRefused = after.verdict === 'refused'
    lagMs = isRefused ? (lagMs ?? passed) : undefined
    streak = isRefused ? streak + 1 : 0
    if (streak === STEADY || (!isRefused && passed > withinMs)) return { after, lagMs }
    await delay(POLL_MS)
  }
}
