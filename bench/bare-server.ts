import { createServer } from 'node:http'

/**
 * The yardstick: a server that does nothing but return the same headers. Reads them as JSON (names
 * and values in turn) from its argument, and prints its port.
 */
const headers: unknown = JSON.parse(process.argv[2] ?? '[]')
const flat = Array.isArray(headers) ? headers.map(String) : []

const server = createServer({ keepAliveTimeout: 75_000 }, (_request, response) => {
  response.writeHead(200, flat).end()
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : address)
})
