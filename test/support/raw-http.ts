import { connect } from 'node:net'

export type RawAnswer = {
  readonly status: number
  /** Names in lower case, every line of its own. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** Sends bytes as they are and reads until the peer closes, or all is quiet after an answer. */
export const sendRaw = (port: number, bytes: string | Buffer, deadlineMs = 5000): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => socket.destroy(), deadlineMs)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
    socket.on('error', (error) => {
      if (chunks.length === 0) reject(error)
    })
    // Not `end`: Node drops an answer under way when its client half-closes.
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })

/** Every answer in a stream of answers, each of which states its length. */
export const parseAnswers = (text: string): readonly RawAnswer[] => {
  const answers: RawAnswer[] = []
  let rest = text
  while (rest.startsWith('HTTP/1.')) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) break
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const headers = lines.map((line): readonly [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? '0')
    const start = end + 4
    answers.push({
      status: Number(statusLine.split(' ')[1]),
      headers,
      body: rest.slice(start, start + length),
    })
    rest = rest.slice(start + length)
  }
  return answers
}

/** One request, one answer; throws where the peer closed without one. */
export const askRaw = async (port: number, bytes: string | Buffer): Promise<RawAnswer> => {
  const text = await sendRaw(port, bytes)
  const [answer] = parseAnswers(text)
  if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(text.slice(0, 200))}`)
  return answer
}

export const headerOf = (answer: RawAnswer, name: string): string | undefined =>
  answer.headers.find(([each]) => each === name.toLowerCase())?.[1]
