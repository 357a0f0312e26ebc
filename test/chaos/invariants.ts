/** What a credential is in the hands of the test, and what became of it. */
export type Holder = {
  readonly name: string
  readonly kind: 'session' | 'bearer'
  /** As the decision log writes it; undefined for bearer tokens. */
  readonly session: string | undefined
  readonly subject: string
  /** When its end was ordered, and when that was acknowledged; milliseconds since 1970. */
  readonly orderedAt: number | undefined
  readonly endedAt: number | undefined
}

export type Line = Readonly<Record<string, unknown>> & {
  readonly time: string
  readonly effect: string
  readonly reason: string
  readonly status: number
  readonly credential: string
  readonly session?: string
  readonly principal: { readonly subject?: string }
}

export type Violation = { readonly rule: string; readonly holder: string; readonly detail: string }

/**
 * Holds a decision log against what was done.
 *
 * @param boundMs how long after an acknowledgement a revocation may be unknown somewhere
 */
export const violationsOf = (
  lines: readonly Line[],
  holders: readonly Holder[],
  boundMs: number,
): readonly Violation[] =>
  lines.flatMap((line) => {
    const holder = holders.find((each) => isAbout(line, each))
    if (holder === undefined) return []
    const at = Date.parse(line.time)
    return [
      ...passedTooLate(line, holder, at, boundMs),
      ...refusedAlive(line, holder, at),
      ...unheardOf(line, holder),
    ]
  })

const isAbout = (line: Line, holder: Holder): boolean =>
  holder.kind === 'session'
    ? line.session === holder.session
    : line.credential === 'bearer' && line.principal.subject === holder.subject

const passedTooLate = (
  line: Line,
  { name, endedAt }: Holder,
  at: number,
  boundMs: number,
): readonly Violation[] =>
  line.effect === 'allow' && endedAt !== undefined && at > endedAt + boundMs
    ? [{ rule: 'ended_and_let_in', holder: name, detail: `${at - endedAt} ms after the yes` }]
    : []

/** A fault may cost an answer, never the session. */
const refusedAlive = (line: Line, { name, orderedAt }: Holder, at: number): readonly Violation[] =>
  line.effect === 'challenge' && (orderedAt === undefined || at < orderedAt)
    ? [{ rule: 'alive_and_signed_out', holder: name, detail: `${line.reason} at ${line.time}` }]
    : []

const unheardOf = (line: Line, { name }: Holder): readonly Violation[] =>
  [200, 401, 403, 503].includes(line.status) && line.reason !== 'internal_error'
    ? []
    : [{ rule: 'unheard_of', holder: name, detail: `${line.status} ${line.reason}` }]
