import { parseArgs } from 'node:util'
import { type Fault, faultText } from '../core/fault.ts'
import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { parseOriginalUrl } from '../core/original-url.ts'
import { parseMoment } from '../core/policy/criteria/date.ts'
import { ok, type Result } from '../core/result.ts'
import { readText } from '../edge/files/yaml-file.ts'
import { withPath } from '../edge/policies/cases-schema.ts'
import { ANYBODY, readSubjectText, type Who } from '../edge/policies/cases-subject.ts'
import { readPolicyFolder } from '../edge/policies/policy-folder.ts'
import { type Command } from './command.ts'
import { type Explained, explainedJson, explainedText } from './policy-explain-report.ts'
import { findPolicyFolder } from './policy-folder-option.ts'
import { type Rehearsal, rehearse } from './policy-rehearsal.ts'
import { say, sayFaults } from './terminal.ts'

export const policyExplain: Command = {
  name: 'policy explain',
  summary: 'show rule by rule why somebody gets in, or does not',
  help: `Usage: vestibule policy explain --as WHO --url URL [--method METHOD] [--at TIME]
           [--client-ip IP] [FOLDER] [--config FILE] [--json]

Decides as the service would, by the same rules and code, and shows what held and what
did not. Asks nobody, changes nothing.

  --as WHO        anonymous, a YAML or JSON file, or '{"sub": "ada", "groups": ["sre"]}';
                  keys: sub, issuer, actor, email, groups, preferredUsername, claims,
                  credential (cookie or bearer), onBehalfOf, bindings (dpop, mtls)
  --url URL       https://app.example.com/path, as the browser would send it
  --method M      GET, if absent
  --at TIME       2027-01-31 or 2027-01-31T18:00:00Z; now, if absent
  --client-ip IP  the address that nginx would see
  FOLDER          policies; else what the configuration names, else ./policies
  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise

Exit codes: 0 explained, whatever the decision, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const place = await findPolicyFolder(options, environment)
    const read = place.ok ? await readPolicyFolder(place.value.folder) : place
    const who = place.ok ? await readWho(options.as, place.value.issuer) : place
    if (!read.ok || !who.ok) {
      const faults = [read, who].flatMap((part): readonly Fault[] => (part.ok ? [] : part.failure))
      sayFaults(faults, options.json)
      return 2
    }
    const { policies } = read.value
    const rehearsal = rehearsalOf(options, who.value)
    const explained: Explained = { policies, rehearsal, outcome: rehearse(policies, rehearsal) }
    say(options.json ? explainedJson(explained) : explainedText(explained))
    return 0
  },
}

type Options = {
  readonly as: string
  readonly url: string
  readonly method: string
  readonly at: EpochSeconds
  readonly clientIp: string | undefined
  readonly folder: string | undefined
  readonly config: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      as: { type: 'string' },
      url: { type: 'string' },
      method: { type: 'string', default: 'GET' },
      at: { type: 'string' },
      'client-ip': { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const { as, url, method, at, 'client-ip': clientIp, config, json } = values
  if (as === undefined) throw new TypeError('say who asks: --as anonymous, a file or {…}')
  if (url === undefined || parseOriginalUrl(withPath(url)) === undefined) {
    throw new TypeError('say what for: --url https://app.example.com/path, percent-encoded')
  }
  const [folder, ...others] = positionals
  if (others.length > 0) throw new TypeError('name one folder')
  return { as, url: withPath(url), method, at: momentOf(at), clientIp, folder, config, json }
}

const momentOf = (text: string | undefined): EpochSeconds => {
  const seconds = text === undefined ? Date.now() / 1000 : parseMoment(text)
  if (seconds === undefined) {
    throw new TypeError('--at is no moment: write 2027-01-31 or 2027-01-31T18:00:00Z')
  }
  return epochSeconds(seconds)
}

const readWho = async (as: string, issuer: string): Promise<Result<Who, readonly Fault[]>> => {
  if (as === 'anonymous') return ok(ANYBODY)
  if (as.trimStart().startsWith('{')) return readSubjectText(as, '--as', issuer)
  const read = await readText(as)
  if (read.ok) return readSubjectText(read.value, as, issuer)
  throw new TypeError(
    faultText({ file: as, line: undefined, column: undefined, key: '--as', ...read.failure }),
  )
}

const rehearsalOf = ({ url, method, clientIp, at }: Options, who: Who): Rehearsal => ({
  caller: { ...who, sessionAgeSeconds: undefined, authAgeSeconds: undefined },
  request: {
    url,
    method,
    clientIp,
    isPreflight: false,
    clientCertificate: undefined,
    namespace: '',
    ingress: '',
    service: '',
  },
  now: at,
})
