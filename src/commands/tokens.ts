import { parseArgs } from 'node:util'
import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { isServiceTokenId, serviceTokenIdOf } from '../core/service-token.ts'
import { type Written } from '../core/service-token-order.ts'
import { type Command, type Environment, type ExitCode } from './command.ts'
import { readNamedConfig } from './config-option.ts'
import { complain, say, sayFaults } from './terminal.ts'
import { openTokenOffice, type ShownOnce, type TokenOffice } from './token-office.ts'
import { mintedText, tokenListText, tokenText } from './tokens-text.ts'

const COMMON = `  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --server URL    ask the ops listener of a running service, with the admin token
  --json          as JSON

With a Redis the store is asked itself. Tokens in memory are known to the running service
alone, and end with it: it is asked at listen.ops, with admin.tokenFile.`

export const tokensCreate: Command = {
  name: 'tokens create',
  summary: 'make a token for a caller that no issuer gives any',
  help: `Usage: vestibule tokens create --owner MAIL --purpose TEXT --hosts HOST[,HOST]
           --expires DAY|DURATION [--groups GROUP[,GROUP]] [--actor workload|agent]
           [--config FILE] [--server URL] [--json]

Makes a token and shows it, this once: alone on standard output, what it is on standard
error. Vestibule keeps a hash of it.

  --owner MAIL    who answers for it
  --purpose TEXT  what it is for, one line
  --hosts HOSTS   where it counts; nowhere else
  --expires WHEN  such as 90d or 2027-01-31 (UTC); a year at most
  --groups GROUPS groups for policies to name
  --actor ACTOR   workload (this is the default) or agent
${COMMON}

Exit codes: 0 done, 2 could not run.`,
  run: async (args, environment) => {
    const { values } = parse(args, ['owner', 'purpose', 'hosts', 'expires', 'groups', 'actor'])
    const written = present({
      owner: values.owner,
      purpose: values.purpose,
      hosts: listOf(values.hosts),
      groups: listOf(values.groups),
      actor: values.actor,
      expires: values.expires,
    })
    return await withOffice(values, environment, async (office) => {
      sayOnce(await office.create(written), values.json)
      return 0
    })
  },
}

export const tokensList: Command = {
  name: 'tokens list',
  summary: 'show the tokens that Vestibule made',
  help: `Usage: vestibule tokens list [--config FILE] [--server URL] [--json]

Shows every token that Vestibule made, newest first; those that are over for a week more.

${COMMON}

Exit codes: 0 found, 1 there is none, 2 could not run.`,
  run: async (args, environment) => {
    const { values } = parse(args, [])
    return await withOffice(values, environment, async (office) => {
      const tokens = await office.list()
      if (values.json) sayJson({ tokens })
      else say(tokenListText(tokens, nowSeconds()))
      return tokens.length > 0 ? 0 : 1
    })
  },
}

export const tokensShow: Command = {
  name: 'tokens show',
  summary: 'show one token, without its text',
  help: `Usage: vestibule tokens show ID [--config FILE] [--server URL] [--json]

Shows one token by its id: 16 letters and digits, as in the subject token/ID.

${COMMON}

Exit codes: 0 found, 1 there is none, 2 could not run.`,
  run: async (args, environment) => {
    const { values, positionals } = parse(args, [], 1)
    const id = idOf(positionals[0])
    return await withOffice(values, environment, async (office) => {
      const token = await office.find(id)
      if (values.json) sayJson({ token: token ?? null })
      else say(token === undefined ? NO_SUCH_TOKEN : tokenText(token, nowSeconds()))
      return token === undefined ? 1 : 0
    })
  },
}

export const tokensRotate: Command = {
  name: 'tokens rotate',
  summary: 'give a token a new text; the old one counts a while longer',
  help: `Usage: vestibule tokens rotate ID [--overlap DURATION] [--expires DAY|DURATION]
           [--config FILE] [--server URL] [--json]

Makes a new text and shows it, this once. It stays the same token: subject, hosts and
groups are as before, and an order to end what began before a moment still means it.

  --overlap DURATION  how long the old text still counts (24h); 0s: no longer
  --expires WHEN      when the token expires from now on (as before)
${COMMON}

Exit codes: 0 done, 1 there is no such token, 2 could not run.`,
  run: async (args, environment) => {
    const { values, positionals } = parse(args, ['overlap', 'expires'], 1)
    const id = idOf(positionals[0])
    const written = present({ overlap: values.overlap, expires: values.expires })
    return await withOffice(values, environment, async (office) => {
      const rotated = await office.rotate(id, written)
      if (rotated === undefined) complain(NO_SUCH_TOKEN)
      else sayOnce(rotated, values.json)
      return rotated === undefined ? 1 : 0
    })
  },
}

export const tokensRevoke: Command = {
  name: 'tokens revoke',
  summary: 'end a token on every replica at once',
  help: `Usage: vestibule tokens revoke ID [--config FILE] [--server URL] [--json]

Ends a token, with all its texts, for good.

${COMMON}

Exit codes: 0 done, 1 there is no such token, 2 could not run: it is then not known whether
it ended; do it again.`,
  run: async (args, environment) => {
    const { values, positionals } = parse(args, [], 1)
    const id = idOf(positionals[0])
    return await withOffice(values, environment, async (office) => {
      const isEnded = await office.end(id)
      if (values.json) sayJson({ ended: isEnded ? 'token' : null, id })
      else say(isEnded ? 'Ended the token. No replica lets it pass any more.' : NO_SUCH_TOKEN)
      return isEnded ? 0 : 1
    })
  },
}

const NO_SUCH_TOKEN = 'There is no such token.'

const sayOnce = ({ text, token }: ShownOnce, asJson: boolean): void => {
  if (asJson) {
    sayJson({ token: text, ...token })
    return
  }
  complain(mintedText(token, nowSeconds()))
  say(text)
}

/** An id, or the subject of which it is a part. */
const idOf = (text = ''): string => {
  const id = serviceTokenIdOf(text) ?? text
  if (isServiceTokenId(id)) return id
  throw new TypeError('name the token by the 16 characters of its id')
}

const listOf = (text: string | undefined): readonly string[] | undefined =>
  text?.split(',').map((each) => each.trim())

/** What was not written is no key. */
const present = (written: Written): Written =>
  Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined))

type Options = ReturnType<typeof parse>['values']

const withOffice = async (
  { config: file, server, json }: Options,
  environment: Environment,
  work: (office: TokenOffice) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const named = { file: file ?? environment['VESTIBULE_CONFIG'], json }
  const config = await readNamedConfig(named, environment)
  if (!config.ok) {
    sayFaults(config.failure, json)
    return 2
  }
  const { session, listen } = config.value
  if (session.store === 'memory') {
    complain(`session.store is memory: asking the service at ${server ?? listen.ops}`)
    complain('Its tokens end when it does; a store that outlives it keeps them.')
  }
  const office = await openTokenOffice(config.value, server)
  try {
    return await work(office)
  } finally {
    await office.close()
  }
}

const parse = (args: readonly string[], own: readonly string[], most = 0) => {
  const text = { type: 'string' } as const
  const parsed = parseArgs({
    args: [...args],
    options: {
      owner: text,
      purpose: text,
      hosts: text,
      groups: text,
      actor: text,
      expires: text,
      overlap: text,
      server: text,
      config: text,
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const known = new Set([...own, 'server', 'config', 'json'])
  const foreign = Object.keys(parsed.values).find((name) => !known.has(name))
  if (foreign !== undefined) throw new TypeError(`--${foreign} has no meaning here`)
  const [surplus] = parsed.positionals.slice(most)
  if (surplus !== undefined) throw new TypeError(`${surplus} is no option`)
  return parsed
}

const sayJson = (value: object): void => say(JSON.stringify(value, null, 2))

const nowSeconds = (): EpochSeconds => epochSeconds(Date.now() / 1000)
