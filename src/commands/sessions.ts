import { parseArgs } from 'node:util'
import { epochSeconds } from '../core/ids.ts'
import { type Config } from '../edge/config/config.ts'
import { isKeyStart } from '../flow/find-sessions.ts'
import { readOrder } from '../flow/revocation-order.ts'
import { type RevocationOrder } from '../flow/revoke.ts'
import { type ListedSession } from '../flow/session-ports.ts'
import { type Command, type Environment, type ExitCode } from './command.ts'
import { readNamedConfig } from './config-option.ts'
import { openOffice, type SessionOffice } from './session-office.ts'
import { endedText, listText, showText } from './sessions-text.ts'
import { complain, say, sayFaults } from './terminal.ts'

const COMMON = `  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --server URL    ask the ops listener of a running service, with the admin token
  --json          as JSON

With a Redis the store is asked itself. Sessions in memory are known to the running
service alone: it is asked at listen.ops, with admin.tokenFile.`

export const sessionsList: Command = {
  name: 'sessions list',
  summary: 'show the sessions of somebody, or of all',
  help: `Usage: vestibule sessions list [--subject WHO] [--limit N] [--config FILE] [--server URL] [--json]

Shows who is signed in where. Without --subject only the keys and when they were last
used: whose a session is, only its cookie tells.

  --subject WHO   as the decision log shows it: sub of a person
  --limit N       at most so many (100)
${COMMON}

Exit codes: 0 found, 1 there is none, 2 could not run.`,
  run: async (args, environment) => {
    const { values } = parse(args, ['subject', 'limit'])
    const limit = values.limit === undefined ? 100 : Number(values.limit)
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
      throw new TypeError('--limit is a number from 1 to 1000')
    }
    return await withOffice(values, environment, async (office) => {
      const list = await office.list(values.subject, limit)
      if (values.json) sayJson({ sessions: list.sessions.map(plain), isWhole: list.isWhole })
      else say(listText(list, values.subject, nowSeconds()))
      return list.sessions.length > 0 ? 0 : 1
    })
  },
}

export const sessionsShow: Command = {
  name: 'sessions show',
  summary: 'show one session',
  help: `Usage: vestibule sessions show KEY [--config FILE] [--server URL] [--json]

Shows one session by its key, or by the beginning of it that the decision log shows
(at least 8 characters). Where it begins with a dash, write --id=KEY.

${COMMON}

Exit codes: 0 found, 1 there is none, 2 could not run.`,
  run: async (args, environment) => {
    const { values, positionals } = parse(args, ['id'], 1)
    const start = keyStartOf(positionals[0] ?? values.id)
    return await withOffice(values, environment, async (office) => {
      const found = await office.find(start)
      if (values.json) sayJson({ session: found === undefined ? null : plain(found) })
      else say(found === undefined ? NO_SUCH_SESSION : showText(found, nowSeconds()))
      return found === undefined ? 1 : 0
    })
  },
}

const NO_SUCH_SESSION = 'There is no such session, or it has ended.'

export const sessionsRevoke: Command = {
  name: 'sessions revoke',
  summary: 'end sessions: of somebody, one, of before a moment, or all',
  help: `Usage: vestibule sessions revoke --subject WHO | --id KEY | --before TIME | --all --yes
           [--config FILE] [--server URL] [--json]

Ends sessions on every replica at once. --subject, --before and --all end bearer tokens
that were issued until then as well.

  --subject WHO   all that somebody has: sub of a person, ISSUER/SUB of a bearer token
  --id KEY        one session, by its key or by at least 8 characters of its beginning;
                  --id=KEY where it begins with a dash
  --before TIME   everything that began before, such as 2027-01-31T18:00:00Z
  --all           everything, of everybody; only with --yes
${COMMON}

Exit codes: 0 done, 1 no session was found (what was ordered holds all the same), 2 could
not run: it is then not known whether anything ended; do it again.`,
  run: async (args, environment) => {
    const { values } = parse(args, ['subject', 'id', 'before', 'all', 'yes'])
    const wanted = wantedOf(values)
    return await withOffice(values, environment, async (office) => {
      const order = 'id' in wanted ? await orderFor(office, wanted.id) : wanted
      const sessions = order === undefined ? 0 : await office.end(order)
      if (values.json) {
        sayJson({ ended: order?.kind ?? null, sessions: sessions ?? null })
      } else say(order === undefined ? NO_SUCH_SESSION : endedText(order, sessions))
      return sessions === 0 ? 1 : 0
    })
  },
}

const orderFor = async (
  office: SessionOffice,
  id: string,
): Promise<RevocationOrder | undefined> => {
  const found = await office.find(id)
  return found === undefined ? undefined : { kind: 'session', key: found.key }
}

type Options = ReturnType<typeof parse>['values']

const wantedOf = ({
  subject,
  id,
  before,
  all,
  yes,
}: Options): RevocationOrder | { readonly id: string } => {
  const given = [subject, id, before, all ? 'all' : undefined].filter((each) => each !== undefined)
  if (given.length !== 1) throw new TypeError('name one of --subject, --id, --before and --all')
  if (id !== undefined) return { id: keyStartOf(id) }
  if (all && !yes) throw new TypeError('--all signs everybody out: add --yes if that is meant')
  const order = readOrder({ subject, before, all: all ? 'true' : undefined }, Date.now())
  if (!order.ok) throw new TypeError(`--${order.failure}`)
  return order.value
}

const keyStartOf = (text: string | undefined): string => {
  if (text !== undefined && isKeyStart(text)) return text
  throw new TypeError('name the session by at least 8 characters of its key')
}

const withOffice = async (
  { config: file, server, json }: Options,
  environment: Environment,
  work: (office: SessionOffice) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const named = { file: file ?? environment['VESTIBULE_CONFIG'], json }
  const config = await readNamedConfig(named, environment)
  if (!config.ok) {
    sayFaults(config.failure, json)
    return 2
  }
  warnOfMemory(config.value, server)
  const office = await openOffice(config.value, server)
  try {
    return await work(office)
  } finally {
    await office.close()
  }
}

/** Each process has its own; only one was asked. */
const warnOfMemory = ({ session, listen }: Config, server: string | undefined): void => {
  if (session.store === 'memory') {
    complain(`session.store is memory: asking the service at ${server ?? listen.ops}`)
  }
}

const parse = (args: readonly string[], own: readonly string[], most = 0) => {
  const parsed = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string' },
      id: { type: 'string' },
      before: { type: 'string' },
      all: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      limit: { type: 'string' },
      server: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const known = new Set([...own, 'server', 'config', 'json'])
  const given = Object.entries(parsed.values).filter(([, value]) => value !== false)
  const foreign = given.find(([name]) => !known.has(name))
  if (foreign !== undefined) throw new TypeError(`--${foreign[0]} has no meaning here`)
  const [surplus] = parsed.positionals.slice(most)
  if (surplus !== undefined) throw new TypeError(`${surplus} is no option`)
  return parsed
}

const plain = ({ key, createdAt, lastUsedAt, browser }: ListedSession): object => ({
  key,
  createdAt: createdAt === undefined ? null : new Date(createdAt * 1000).toISOString(),
  lastUsedAt: new Date(lastUsedAt * 1000).toISOString(),
  browser: browser ?? null,
})

const sayJson = (value: object): void => say(JSON.stringify(value, null, 2))

const nowSeconds = (): ReturnType<typeof epochSeconds> => epochSeconds(Date.now() / 1000)
