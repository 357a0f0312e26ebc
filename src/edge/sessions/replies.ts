import { type LogEntry } from './record-store.ts'

/** What a reply says; undefined where it is not of the form that its command has. */
export type ReadReply<Value> = (reply: unknown) => Said<Value> | undefined
export type Said<Value> = { readonly said: Value }

const said = <Value>(value: Value): Said<Value> => ({ said: value })

const listOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : [])

/** `OK`, and nothing to tell. */
export const readOk: ReadReply<undefined> = (reply) =>
  reply === 'OK' ? said(undefined) : undefined

/** `OK`, or nothing where it was not done. */
export const readWhether: ReadReply<boolean> = (reply) =>
  reply === 'OK' || reply === null ? said(reply === 'OK') : undefined

/** A number, of whatever was counted. */
export const readCount: ReadReply<number> = (reply) =>
  typeof reply === 'number' ? said(reply) : undefined

export const readOne: ReadReply<boolean> = (reply) =>
  reply === 1 || reply === 0 ? said(reply === 1) : undefined

export const readDone: ReadReply<undefined> = (reply) =>
  typeof reply === 'number' ? said(undefined) : undefined

export const readBytes: ReadReply<Buffer> = (reply) =>
  Buffer.isBuffer(reply) ? said(reply) : undefined

export const readMaybeBytes: ReadReply<Buffer | undefined> = (reply) =>
  reply === null || Buffer.isBuffer(reply) ? said(reply ?? undefined) : undefined

/** Lines of names and values, with a colon between. */
export const readInfo: ReadReply<ReadonlyMap<string, string>> = (reply) =>
  typeof reply === 'string'
    ? said(
        new Map(
          reply.split('\r\n').flatMap((line) => {
            const [name = '', value] = line.split(':')
            return value === undefined ? [] : [[name, value] as const]
          }),
        ),
      )
    : undefined

export const readPong: ReadReply<undefined> = (reply) =>
  reply === 'PONG' ? said(undefined) : undefined

/** The client library makes a record of the names and values. */
export const readFields: ReadReply<ReadonlyMap<string, Buffer>> = (reply) => {
  if (typeof reply !== 'object' || reply === null || Array.isArray(reply)) return undefined
  const fields = new Map<string, Buffer>()
  for (const [name, value] of Object.entries(reply)) {
    if (!Buffer.isBuffer(value)) return undefined
    fields.set(name, value)
  }
  return said(fields)
}

export const readText: ReadReply<undefined> = (reply) =>
  typeof reply === 'string' ? said(undefined) : undefined

export const readTexts: ReadReply<readonly string[]> = (reply) =>
  Array.isArray(reply) && reply.every((each): each is string => typeof each === 'string')
    ? said(reply)
    : undefined

/** Ids, each with its fields and values in turn; ours have one. */
export const readEntries: ReadReply<readonly LogEntry[]> = (reply) => {
  if (!Array.isArray(reply)) return undefined
  const entries: LogEntry[] = []
  for (const each of reply) {
    const entry = readEntry(each)
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return said(entries)
}

const readEntry = (reply: unknown): LogEntry | undefined => {
  const [id, fields] = listOf(reply)
  const [, text] = listOf(fields)
  return typeof id === 'string' && typeof text === 'string' ? { id, text } : undefined
}

/** Where to look on, and what was found so far. */
export const readScan: ReadReply<{ readonly cursor: string; readonly names: readonly string[] }> = (
  reply,
) => {
  const [cursor, names] = listOf(reply)
  const read = readTexts(names)
  return typeof cursor === 'string' && read !== undefined
    ? said({ cursor, names: read.said })
    : undefined
}
