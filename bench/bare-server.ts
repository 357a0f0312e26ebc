import { createServer } from 'node:http'
import { PerformanceObserver } from 'node:perf_hooks'

/**
 * The yardstick: a server that does nothing but return the same answer. Reads its status and its
 * headers (names and values in turn, as JSON) from its arguments, and prints its port. Sends how
 * many milliseconds its garbage collection has taken so far whenever it is sent something.
 */
const [status = '200', json = '[]'] = process.argv.slice(2)
const headers: unknown = JSON.parse(json)
const flat = Array.isArray(headers) ? headers.map(String) : []

let collecting = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collecting += duration
}).observe({ entryTypes: ['gc'] })
process.on('message', () => process.send?.(collecting))

const server = createServer({ keepAliveTimeout: 75_000 }, (_request, response) => {
  response.writeHead(Number(status), flat).end()
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : address)
})
