import { type IdentityHeaderNames, type IdentitySource } from './identity-source.ts'

/**
 * What the headers of one answer may take: nginx reads the whole block into one
 * `proxy_buffer_size`, 4 KiB by default, and answers 500 where it does not fit.
 */
const LIMIT = 3 * 1024 - 1

/** Status line, Date, Connection, Keep-Alive, and the headers that every answer has. */
const EVERY_ANSWER = 330

/** JOSE header, dots, and the claims whose length does not depend on the caller. */
const ASSERTION_FRAME = 560

/** `name: value\r\n` without the value. */
const lineFrame = (name: string): number => name.length + 4

/** How much room the identity headers leave, worked out once from their names. */
export type HeaderBudget = {
  readonly room: number
  /** How many headers carry each source. */
  readonly times: ReadonlyMap<IdentitySource, number>
}

/** What an assertion takes besides what it says of the caller. */
export type AssertionSize = {
  /** Length of `iss`. */
  readonly issuer: number
  /** Bytes of the signature. */
  readonly signature: number
}

export const headerBudget = (names: IdentityHeaderNames, size: AssertionSize): HeaderBudget => {
  const times = new Map<IdentitySource, number>()
  let used = EVERY_ANSWER
  for (const [name, source] of names) {
    used += lineFrame(name)
    times.set(source, (times.get(source) ?? 0) + 1)
  }
  used += assertionsOf(times) * (ASSERTION_FRAME + inBase64(size.issuer) + inBase64(size.signature))
  return { room: LIMIT - used, times }
}

const assertionsOf = (times: HeaderBudget['times']): number =>
  (times.get('assertion') ?? 0) + (times.get('bearer_assertion') ?? 0)

/** What the audience of the assertion takes, which differs with the host. */
export const audienceCost = ({ times }: HeaderBudget, host: string): number =>
  assertionsOf(times) * inBase64(host.length)

const inBase64 = (bytes: number): number => Math.ceil((bytes * 4) / 3)

/** UTF-8 length of the text as a JSON string, quotes and comma included. */
const inJson = (text: string): number => {
  let bytes = 1
  for (const character of JSON.stringify(text)) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/** Sources whose values the caller's claims decide. */
export type CostedSource = Exclude<IdentitySource, 'actor' | 'assertion' | 'bearer_assertion'>

/** What one value takes in all headers that carry it, and in the assertion. */
export const costOf = (
  { times }: HeaderBudget,
  source: CostedSource,
  text: string,
  encodedLength: number,
): number => {
  if (text === '') return 0
  const separator = source === 'groups' ? 1 : 0
  const inHeaders = (times.get(source) ?? 0) * (encodedLength + separator)
  return inHeaders + assertionsOf(times) * (inBase64(inJson(text)) + 1)
}
