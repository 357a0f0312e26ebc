import { parseArgs } from 'node:util'

export type Options =
  | { readonly kind: 'help' }
  | { readonly kind: 'mistaken'; readonly problem: string }
  | {
      readonly kind: 'run'
      readonly check: boolean
      readonly port: number | undefined
      readonly identityProviderPort: number | undefined
      readonly store: string
    }

export const HELP = `Usage: npm run demo -- [options]

Starts on loopback: nginx with the configuration that ingress-nginx generates, a development
identity provider, Vestibule, and three sample applications; prints what to open and to try.

  --port PORT         port of nginx                        (8000, or the next free one)
  --idp-port PORT     port of the identity provider        (8090, or the next free one)
  --redis             keep sessions in a redis-server that is started for it
  --redis=redis://…   keep sessions in this Redis          (default: in memory)
  --check             start everything on free ports, check it through nginx, and exit 0 or 1
  --help              this text

Missing programs (nginx, redis-server) are installed from the system's packages.
Hosts are below vestibule.localhost. Chrome, Firefox and curl resolve such names to this machine;
where something does not: 127.0.0.1 auth.vestibule.localhost grafana.vestibule.localhost
wiki.vestibule.localhost api.vestibule.localhost in /etc/hosts.

Exit codes: 0 stopped by you, or check passed · 1 check failed · 2 could not run.
`

const OPTIONS = {
  port: { type: 'string' },
  'idp-port': { type: 'string' },
  redis: { type: 'string' },
  check: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** parseArgs knows no optional values. */
const withRedisValue = (args: readonly string[]): string[] =>
  args.map((arg) => (arg === '--redis' ? '--redis=start' : arg))

const readPort = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error(`${text} is not a port`)
  return port
}

const readStore = (text = 'memory'): string => {
  if (text !== 'memory' && text !== 'start' && !/^rediss?(?:\+\w+)?:\/\//.test(text)) {
    throw new Error(`${text} is not the URL of a Redis, such as redis://127.0.0.1:6379`)
  }
  return text
}

export const readOptions = (args: readonly string[]): Options => {
  try {
    const { values } = parseArgs({ args: withRedisValue(args), options: OPTIONS, strict: true })
    if (values.help === true) return { kind: 'help' }
    return {
      kind: 'run',
      check: values.check === true,
      port: readPort(values.port),
      identityProviderPort: readPort(values['idp-port']),
      store: readStore(values.redis),
    }
  } catch (error) {
    return { kind: 'mistaken', problem: error instanceof Error ? error.message : String(error) }
  }
}
