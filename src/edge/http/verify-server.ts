import { createServer, type Server } from 'node:net'
import { createHeadReader } from './request-head.ts'
import { type House, hurry, isIdle, welcome } from './verify-connection.ts'

/** What `listenAll` wants of a server: as `node:http` has it. */
export type VerifyServer = Server & {
  readonly closeIdleConnections: () => void
  readonly closeAllConnections: () => void
  /** Looks for connections that take too long; happens by itself each second. */
  readonly sweep: () => void
}

export type VerifyServerOptions = Pick<House, 'answer' | 'refuse'> & {
  /** Whether the value of a header by that name, in any spelling, is of use. */
  readonly isWanted: (name: string) => boolean
}

const SWEEP_MS = 1000

/**
 * An HTTP/1.1 server for requests without bodies and answers without bodies: all that nginx's
 * subrequests are. See docs/adr/0021 for why it is not `node:http`.
 */
export const createVerifyServer = (options: VerifyServerOptions): VerifyServer => {
  const house: House = {
    ...options,
    readHead: createHeadReader(options.isWanted),
    connections: [],
    sweep: 0,
    date: dateLine(),
    isClosing: false,
  }
  // Half open: a client may say that it is done asking before it has its answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => welcome(house, socket))
  const timer = setInterval(() => sweep(house), SWEEP_MS).unref()
  server.once('close', () => clearInterval(timer))
  return Object.assign(server, {
    closeIdleConnections: () => {
      house.isClosing = true
      for (const connection of house.connections.filter((each) => isIdle(house, each))) {
        connection.socket.destroy()
      }
    },
    closeAllConnections: () => {
      for (const { socket } of house.connections) socket.destroy()
    },
    sweep: () => sweep(house),
  })
}

const dateLine = (): string => `Date: ${new Date().toUTCString()}\r\n`

const sweep = (house: House): void => {
  house.sweep += 1
  house.date = dateLine()
  for (const connection of house.connections) hurry(house, connection)
}
