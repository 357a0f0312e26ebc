import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { parse } from 'yaml'

/** Stands in for `src/main.ts` where a test is about what surrounds it. */
const config = parse(readFileSync(process.argv[4] ?? '', 'utf8')) as {
  readonly listen: Readonly<Record<'verify' | 'public' | 'ops', string>>
}

const listen = (address: string, listener: RequestListener): void => {
  const [host, port] = address.split(':')
  createServer(listener).listen(Number(port), host)
}

const decision = (status: number, effect: string): string =>
  JSON.stringify({
    time: '2026-11-21T22:00:00.000Z',
    effect,
    reason: status === 200 ? 'rule_matched' : 'not_signed_in',
    status,
    host: 'api.vestibule.localhost',
    method: 'GET',
    path: '/v1/orders',
  })

listen(config.listen.verify, (request, response) => {
  const status = request.headers.authorization === undefined ? 401 : 200
  process.stdout.write(`${decision(status, status === 200 ? 'allow' : 'challenge')}\n`)
  response.writeHead(status, { 'content-length': 0, 'x-auth-request-user': 'ci/ci' }).end()
})
listen(config.listen.public, (_request, response) => {
  response.writeHead(200).end('public')
})
listen(config.listen.ops, (_request, response) => {
  response.writeHead(200).end()
})
process.stderr.write('fake-vestibule is listening\n')
