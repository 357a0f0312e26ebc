import { type Socket } from 'node:net'
import { HEAD_END, type HeadReader, type RequestHead } from './request-head.ts'

/** What connections have in common. */
export type House = {
  readonly readHead: HeadReader
  /**
   * Has to call `send` once, now or later, with the status line and the header lines, each ended.
   * Nothing may be thrown.
   */
  readonly answer: (head: RequestHead, send: (lines: string) => void) => void
  /** The lines for what is no request. */
  readonly refuse: () => string
  /**
   * All that are open, in no order. Not a Set: one that is filled and emptied all the time is
   * rebuilt all the time, an old table leads to the next, and with the first of them in old space,
   * whatever they held outlives its time.
   */
  readonly connections: Connection[]
  /** How often it was looked for connections that take too long. */
  sweep: number
  /** The header line, of the last sweep. */
  date: string
  isClosing: boolean
}

/**
 * nginx forwards up to 33 KiB of client headers and adds the URL three times; with 16 KiB, which is
 * usual, an ordinary long URL would end in a 500.
 */
const LARGEST_HEAD = 64 * 1024

/** In sweeps. Idle: longer than the 60 s for which proxies keep connections, so that nginx closes. */
const LONGEST = { fresh: 10, reading: 10, idle: 75, lingering: 2 } as const

type State = keyof typeof LONGEST | 'answering'

export type Connection = {
  readonly socket: Socket
  /** Its place among all connections. */
  place: number
  state: State
  /** The sweep in which the state began. */
  since: number
  /** Of a head that is not complete yet. */
  readonly parts: Buffer[]
  size: number
  /** The last three characters of it: the end of a head may be cut anywhere. */
  tail: string
  /** What came after the request that is being answered. */
  unread: Buffer | undefined
  /** What is read now came before the answer to the request in front of it was on its way. */
  isBehind: boolean
  isReading: boolean
  /** The client sends nothing more. */
  hasEnded: boolean
}

/** Serves a client until either side closes. */
export const welcome = (house: House, socket: Socket): void => {
  const connection: Connection = {
    socket,
    place: house.connections.length,
    state: 'fresh',
    since: house.sweep,
    parts: [],
    size: 0,
    tail: '',
    unread: undefined,
    isBehind: false,
    isReading: false,
    hasEnded: false,
  }
  house.connections.push(connection)
  socket.on('data', (chunk) => receive(house, connection, chunk))
  socket.on('end', () => ended(house, connection))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    leave(house, connection)
    socket.removeAllListeners()
  })
}

/** The last takes the place that becomes free. */
const leave = ({ connections }: House, { place }: Connection): void => {
  const last = connections.pop()
  if (last === undefined || last.place === place) return
  last.place = place
  connections[place] = last
}

const enter = (house: House, connection: Connection, state: State): void => {
  connection.state = state
  connection.since = house.sweep
}

const receive = (house: House, connection: Connection, chunk: Buffer): void => {
  const { state, unread, socket } = connection
  if (state === 'lingering') return
  connection.unread = unread === undefined ? chunk : Buffer.concat([unread, chunk])
  connection.isBehind = state === 'answering'
  if (state !== 'answering') readOn(house, connection)
  else if (connection.unread.length > LARGEST_HEAD) socket.pause()
}

/** One request after the other: an answer is on its way before the next request is looked at. */
const readOn = (house: House, connection: Connection): void => {
  if (connection.isReading) return
  connection.isReading = true
  while (connection.unread !== undefined && canRead(connection)) {
    const chunk = connection.unread
    connection.unread = undefined
    read(house, connection, chunk)
  }
  connection.isReading = false
  if (connection.hasEnded) ended(house, connection)
}

const canRead = ({ state, socket }: Connection): boolean =>
  state !== 'answering' && state !== 'lingering' && !socket.writableNeedDrain

const read = (house: House, connection: Connection, chunk: Buffer): void => {
  const { parts, size } = connection
  const end = endOfHead(connection, chunk)
  if (size + (end ?? chunk.length) > LARGEST_HEAD) turnAway(house, connection)
  else if (end === undefined) {
    if (connection.state !== 'reading') enter(house, connection, 'reading')
    parts.push(chunk)
    connection.size += chunk.length
    connection.tail = (connection.tail + chunk.toString('latin1', chunk.length - 3)).slice(-3)
  } else {
    if (end < chunk.length) connection.unread = chunk.subarray(end)
    const first = end < chunk.length ? chunk.subarray(0, end) : chunk
    const whole = parts.length === 0 ? first : Buffer.concat([...parts, first])
    forgetParts(connection)
    answer(house, connection, whole)
    connection.isBehind = true
  }
}

/** Where in the chunk the head ends that began in it or before it. */
const endOfHead = ({ tail }: Connection, chunk: Buffer): number | undefined => {
  if (tail !== '') {
    const seam = (tail + chunk.toString('latin1', 0, HEAD_END.length - 1)).indexOf(HEAD_END)
    if (seam !== -1) return seam + HEAD_END.length - tail.length
  }
  const found = chunk.indexOf(HEAD_END, 0, 'latin1')
  return found === -1 ? undefined : found + HEAD_END.length
}

const forgetParts = (connection: Connection): void => {
  connection.parts.length = 0
  connection.size = 0
  connection.tail = ''
}

const answer = (house: House, connection: Connection, bytes: Buffer): void => {
  const head = house.readHead(bytes)
  if (head === undefined) {
    turnAway(house, connection)
    return
  }
  enter(house, connection, 'answering')
  house.answer(head, (lines) => {
    const stays = head.isPersistent && !head.hasBody && !house.isClosing
    if (stays) reply(house, connection, lines)
    else farewell(house, connection, lines, head.hasBody)
  })
}

/** HTTP/1.0 has to be told that the connection stays (RFC 9112 appendix C.2.2). */
const STAYS = 'Connection: keep-alive\r\n\r\n'
const CLOSES = 'Connection: close\r\n\r\n'

const reply = (house: House, connection: Connection, lines: string): void => {
  const { socket } = connection
  if (socket.destroyed) return
  socket.write(`${lines}${house.date}${STAYS}`, 'latin1')
  enter(house, connection, 'idle')
  if (socket.writableNeedDrain) {
    socket.pause()
    socket.once('drain', () => {
      socket.resume()
      readOn(house, connection)
    })
    return
  }
  if (socket.isPaused()) socket.resume()
  if (connection.unread !== undefined || connection.hasEnded) readOn(house, connection)
}

const farewell = (house: House, connection: Connection, lines: string, mayMore: boolean): void => {
  const { socket } = connection
  if (socket.destroyed) return
  const hasMore = mayMore || connection.unread !== undefined
  connection.unread = undefined
  enter(house, connection, 'lingering')
  if (hasMore) {
    // Closed at once, what the client still sends would be met with a reset that may overtake the
    // answer (RFC 9112 section 9.6).
    socket.end(`${lines}${house.date}${CLOSES}`, 'latin1')
    if (socket.isPaused()) socket.resume()
    return
  }
  socket.write(`${lines}${house.date}${CLOSES}`, 'latin1')
  if (socket.writableLength === 0) socket.destroy()
  else socket.destroySoon()
}

/**
 * No request: nothing can be known about where the next one would begin. Behind a request that was
 * just answered, a second answer would be taken for that to the client's next request.
 */
const turnAway = (house: House, connection: Connection): void => {
  forgetParts(connection)
  if (connection.isBehind) {
    enter(house, connection, 'lingering')
    connection.socket.end()
  } else farewell(house, connection, house.refuse(), true)
}

const ended = (house: House, connection: Connection): void => {
  connection.hasEnded = true
  if (connection.state === 'reading') turnAway(house, connection)
  else if (connection.state !== 'answering') connection.socket.end()
}

/** Looks after a connection whose state lasts too long. */
export const hurry = (house: House, connection: Connection): void => {
  const { state, since, socket } = connection
  if (state === 'answering' || house.sweep <= since + LONGEST[state]) return
  if (state === 'reading') turnAway(house, connection)
  else socket.destroy()
}

/** A request may be on its way on a connection that is new. */
export const isIdle = (house: House, { state, since }: Connection): boolean =>
  state === 'idle' || (state === 'fresh' && house.sweep > since + 1)
