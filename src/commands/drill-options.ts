import { parseArgs } from 'node:util'
import { type HostName, parseHostName } from '../core/ids.ts'
import { emailOf } from '../core/principal.ts'
import { parseDuration } from '../edge/config/duration.ts'
import { isSubjectName } from '../flow/revocation-order.ts'
import { type DrillPerson } from './drill-proof.ts'

export type DrillOptions = {
  readonly config: string | undefined
  readonly server: string | undefined
  readonly json: boolean
  readonly yes: boolean
  readonly host: HostName
  readonly path: string
  readonly method: string
  readonly person: DrillPerson
  readonly cookieFile: string | undefined
  readonly tokenFile: string | undefined
  readonly through: URL | undefined
  readonly verify: readonly string[]
  readonly withinMs: number
}

export const parseDrillOptions = (args: readonly string[]): DrillOptions => {
  const { config, server, json, yes, through: site, ...values } = parse(args)
  const through = site === undefined ? undefined : urlOf('--through', site)
  return {
    config,
    server,
    json,
    yes,
    through,
    ...proofIn(values),
    host: hostOf(values.host ?? through?.hostname ?? ''),
    path: pathIn(values.path),
    method: methodIn(values.method),
    verify: values.verify.map((text) => urlOf('--verify', text).origin),
    withinMs: withinOf(values.within),
  }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      host: { type: 'string' },
      subject: { type: 'string', default: '' },
      group: { type: 'string', multiple: true, default: [] },
      email: { type: 'string' },
      path: { type: 'string', default: '/' },
      method: { type: 'string', default: 'GET' },
      'cookie-file': { type: 'string' },
      'token-file': { type: 'string' },
      through: { type: 'string' },
      verify: { type: 'string', multiple: true, default: [] },
      within: { type: 'string', default: '2s' },
      server: { type: 'string' },
      config: { type: 'string' },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    strict: true,
  }).values

type Values = Omit<ReturnType<typeof parse>, 'config' | 'server' | 'json' | 'yes' | 'through'>

const proofIn = ({
  subject,
  email,
  group: groups,
  'cookie-file': cookieFile,
  'token-file': tokenFile,
}: Values): Pick<DrillOptions, 'person' | 'cookieFile' | 'tokenFile'> => {
  if (!isSubjectName(subject)) throw new TypeError('name whom to end: --subject WHO')
  const files = [cookieFile, tokenFile].filter((file) => file !== undefined)
  if (files.length === 2) throw new TypeError('choose --cookie-file or --token-file')
  if (files.length === 1 && (email !== undefined || groups.length > 0)) {
    throw new TypeError('--email and --group are for a session that the drill makes itself')
  }
  return { person: { subject, email: emailIn(email), groups }, cookieFile, tokenFile }
}

const urlOf = (option: string, text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new TypeError(`${option} is no URL: write it as http://127.0.0.1:8080`)
}

const hostOf = (text: string): HostName => {
  const host = parseHostName(text)
  if (host === undefined) throw new TypeError('name the protected host: --host app.example.com')
  return host
}

const pathIn = (text: string): string => {
  if (/^\/[\x21-\x7e]*$/.test(text)) return text
  throw new TypeError('--path begins with a slash and is percent-encoded')
}

const methodIn = (text: string): string => {
  if (/^[A-Z]{1,20}$/.test(text)) return text
  throw new TypeError('--method is one such as GET')
}

const emailIn = (text: string | undefined): string | undefined => {
  const mapping = { email: 'email', groups: '', preferredUsername: '', trustEmail: true }
  const email = text === undefined ? undefined : emailOf({ email: text }, mapping)
  if (text !== undefined && email === undefined) throw new TypeError('--email is no address')
  return email
}

const withinOf = (text: string): number => {
  const ms = parseDuration(text)
  if (ms !== undefined && ms <= 60_000) return ms
  throw new TypeError('--within is a duration of at most a minute, such as 500ms or 2s')
}
