import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

export type RawResponse = {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

const parse = (message: string): RawResponse => {
  const end = message.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = message.slice(0, end).split('\r\n')
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: message.slice(end + 4) }
}

/** Sends a request exactly as written, which no HTTP client does. */
export const exchange = async (port: number, lines: readonly string[]): Promise<RawResponse> => {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('latin1')
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`, 'latin1')
  return parse(await text(socket))
}

export const get = async (
  port: number,
  host: string,
  path = '/',
  headers: readonly string[] = [],
): Promise<RawResponse> =>
  await exchange(port, [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...headers])
