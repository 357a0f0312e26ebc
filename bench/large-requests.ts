import { connect } from 'node:net'

/**
 * Sends requests with 100 kB of token, each over a connection of its own, as wrk cannot; reads port
 * and seconds from its arguments and prints how many were answered.
 */
const [port = '0', seconds = '1'] = process.argv.slice(2)
const AT_A_TIME = 16

const request = [
  'GET /verify?host=app.test HTTP/1.1',
  'Host: vestibule',
  'X-Original-URL: https://app.test/x',
  'X-Original-Method: GET',
  'X-Auth-Request-Redirect: /x',
  'X-Real-IP: 127.0.0.1',
  `Authorization: Bearer ${'A'.repeat(100_000)}`,
  '',
  '',
].join('\r\n')

/** Whether there was an answer; the rest of the request may be cut off. */
const ask = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    let isAnswered = false
    socket.on('data', () => {
      isAnswered = true
      socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(isAnswered))
    socket.write(request)
  })

let answered = 0
const until = performance.now() + Number(seconds) * 1000
await Promise.all(
  Array.from({ length: AT_A_TIME }, async () => {
    while (performance.now() < until) if (await ask()) answered += 1
  }),
)
console.log(answered)
