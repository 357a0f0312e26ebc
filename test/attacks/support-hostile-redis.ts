import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What becomes of a command on its way. */
export type Tampering =
  /** Redis is not asked; these bytes are the answer. */
  | { readonly kind: 'answer'; readonly bytes: string }
  /** Redis does it, and its answer is lost. */
  | { readonly kind: 'lost_answer' }
  /** Redis never hears of it. */
  | { readonly kind: 'lost_command' }
  /** Redis is asked something else instead. */
  | { readonly kind: 'instead'; readonly command: readonly string[] }
  | { readonly kind: 'hang_up' }

export type Tamper = (command: readonly string[]) => Tampering | undefined

export type HostileRedis = {
  readonly url: string
  readonly tamper: (how: Tamper | undefined) => void
  readonly stop: () => Promise<void>
}

/** Stands before a real Redis and gives back what the test wants, command by command, in order. */
export const startHostileRedis = async (realUrl: string): Promise<HostileRedis> => {
  const { hostname, port } = new URL(realUrl)
  let how: Tamper | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const real = connect(Number(port), hostname)
    for (const socket of [client, real]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        real.destroy()
        sockets.delete(socket)
      })
    }
    relay(client, real, (command) => how?.(command))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tamper: (next) => {
      how = next
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** One command at a time: what is answered here must not overtake what Redis answers. */
const relay = (client: Socket, real: Socket, tamper: Tamper): void => {
  let asked = Buffer.alloc(0)
  let answered = Buffer.alloc(0)
  /** Whether the answer that Redis owes is passed on. */
  let owed: 'passed_on' | 'lost' | undefined
  let isTransparent = false
  const next = (): void => {
    if (isTransparent) {
      real.write(asked)
      asked = Buffer.alloc(0)
      return
    }
    const read = owed === undefined ? readCommand(asked) : undefined
    if (read === undefined) return
    asked = asked.subarray(read.end)
    send(read.command, tamper(read.command))
    next()
  }
  const send = (command: readonly string[], tampering: Tampering | undefined): void => {
    switch (tampering?.kind) {
      case undefined:
        owed = 'passed_on'
        real.write(commandBytes(command))
        // From here on Redis says things that nobody asked for.
        isTransparent = command[0]?.toLowerCase() === 'subscribe'
        return
      case 'answer':
        client.write(tampering.bytes, 'latin1')
        return
      case 'instead':
        owed = 'passed_on'
        real.write(commandBytes(tampering.command))
        return
      case 'lost_answer':
        owed = 'lost'
        real.write(commandBytes(command))
        return
      case 'lost_command':
        return
      case 'hang_up':
        client.destroy()
    }
  }
  client.on('data', (bytes: Buffer) => {
    asked = Buffer.concat([asked, bytes])
    next()
  })
  real.on('data', (bytes: Buffer) => {
    if (isTransparent) {
      client.write(bytes)
      return
    }
    answered = Buffer.concat([answered, bytes])
    const end = endOfReply(answered, 0)
    if (end === -1) return
    if (owed === 'passed_on') client.write(answered.subarray(0, end))
    answered = answered.subarray(end)
    owed = undefined
    next()
  })
}

const commandBytes = (command: readonly string[]): Buffer =>
  Buffer.from(
    `*${command.length}\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`,
    'latin1',
  )

/** RESP: a command is an array of bulk strings. Text stands for bytes, one for one. */
const readCommand = (
  bytes: Buffer,
): { readonly command: readonly string[]; readonly end: number } | undefined => {
  const end = endOfReply(bytes, 0)
  if (end === -1) return undefined
  const command: string[] = []
  let at = bytes.indexOf('\r\n') + 2
  while (at < end) {
    const line = bytes.indexOf('\r\n', at)
    const length = Number(bytes.toString('latin1', at + 1, line))
    command.push(bytes.toString('latin1', line + 2, line + 2 + length))
    at = line + 2 + length + 2
  }
  return { command, end }
}

/** Where a value that begins at `start` ends; -1 where it is not whole yet. */
const endOfReply = (bytes: Buffer, start: number): number => {
  const line = bytes.indexOf('\r\n', start)
  if (line === -1) return -1
  const count = Number(bytes.toString('latin1', start + 1, line))
  const type = String.fromCharCode(bytes[start] ?? 0)
  if (type === '$') return count === -1 ? line + 2 : whole(bytes, line + 2 + count + 2)
  if (type !== '*' || count === -1) return line + 2
  let at = line + 2
  for (let index = 0; index < count && at !== -1; index += 1) at = endOfReply(bytes, at)
  return at
}

const whole = (bytes: Buffer, end: number): number => (bytes.length >= end ? end : -1)
