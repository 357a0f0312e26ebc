import { setTimeout as delay } from 'node:timers/promises'
import { type Config } from '../edge/config/config.ts'
import { isHttp } from '../edge/config/cross-checks.ts'
import { type DrillReport, drillRevocation } from '../flow/drill.ts'
import { publicOrigin } from '../service/parts.ts'
import { type Command, type ExitCode } from './command.ts'
import { readNamedConfig } from './config-option.ts'
import { askAll, type DrillPlace, type DrillRequest, sitePlace, verifyPlace } from './drill-ask.ts'
import { type DrillOptions, parseDrillOptions } from './drill-options.ts'
import { type DrillProof, mintProof, readCookieProof, readTokenProof } from './drill-proof.ts'
import { drillJson, drillText } from './drill-text.ts'
import { openOffice, reachable, type SessionOffice } from './session-office.ts'
import { openSessions, storeOffice } from './session-office-store.ts'
import { say, sayFaults } from './terminal.ts'

export const drillRevoke: Command = {
  name: 'drill revoke',
  summary: 'prove that ending somebody works, and how fast',
  help: `Usage: vestibule drill revoke --host HOST --subject WHO [--group G …] [--email E]
           [--cookie-file F | --token-file F] [--verify URL … | --through URL]
           [--within 2s] [--yes] [--config FILE] [--server URL] [--json]

Sees that WHO is let in at HOST, ends all that WHO has, asks until the answer is no, and
prints how long that took. Use a subject that exists for this alone.

  --host HOST       the protected host; --path and --method say which request (GET /)
  --subject WHO     whom to end; all his sessions and bearer tokens end
  --group, --email  what the policy asks of him; for a session that the drill makes
  --cookie-file F   a file with his session cookie; --token-file F with a bearer token.
                    Without either the drill makes a session in the store (Redis only);
                    it is called "Vestibule drill" and ends within two minutes
  --verify URL      a verify listener to ask as nginx does; one for each replica, all have
                    to refuse. Default: listen.verify
  --through URL     ask the site itself instead, through the ingress: finds a proxy that
                    caches answers. 401, 403 and the way to the sign-in are refusals
  --within 2s       how long it may take until every answer is no
  --yes             go on although WHO has other sessions, which end too
  --server URL      order it at the ops listener of a running service, with the admin token
  --config FILE     configuration; VESTIBULE_CONFIG names it otherwise
  --json            as JSON

Exit codes: 0 refused in time, 1 still allowed or too late, 2 could not run: it was not
allowed to begin with, or nothing could be ended.`,
  run: async (args, environment) => {
    const options = parseDrillOptions(args)
    const file = options.config ?? environment['VESTIBULE_CONFIG']
    const config = await readNamedConfig({ file, json: options.json }, environment)
    if (!config.ok) {
      sayFaults(config.failure, options.json)
      return 2
    }
    const stand = await openStand(config.value, options)
    try {
      return await runDrill(config.value, options, stand)
    } finally {
      await stand.office.close()
    }
  },
}

type Stand = {
  readonly office: SessionOffice
  readonly prove: () => Promise<DrillProof>
  /** Ends what the drill itself has made, where it stopped half-way. */
  readonly tidy: (proof: DrillProof) => Promise<void>
}

const openStand = async (config: Config, options: DrillOptions): Promise<Stand> => {
  const { cookieFile, tokenFile, server, person } = options
  if (cookieFile !== undefined || tokenFile !== undefined) {
    const prove = async (): Promise<DrillProof> =>
      tokenFile === undefined
        ? await readCookieProof(config, cookieFile ?? '')
        : await readTokenProof(tokenFile)
    return { office: await openOffice(config, server), prove, tidy: nothing }
  }
  if (config.session.store === 'memory') {
    throw new Error('a session can be made in a Redis only: use --cookie-file or --token-file')
  }
  const { sessions, records } = await openSessions(config)
  return {
    office: { ...storeOffice(config, sessions), close: records.close },
    prove: async () => await mintProof(config, sessions, person),
    tidy: async ({ sessionId }) => {
      if (sessionId !== undefined) await sessions.store.end(sessions.store.keyOf(sessionId))
    },
  }
}

const nothing = (): Promise<void> => Promise.resolve()

/** More than this is not counted. */
const MOST_LISTED = 100

const runDrill = async (
  config: Config,
  options: DrillOptions,
  { office, prove, tidy }: Stand,
): Promise<ExitCode> => {
  const { person, withinMs, json } = options
  const found = (await office.list(person.subject, MOST_LISTED)).sessions.length
  const others = found - (options.cookieFile === undefined ? 0 : 1)
  if (others > 0 && !options.yes) {
    throw new Error(
      `${person.subject} has ${others} other sessions, which would end: add --yes if that is meant`,
    )
  }
  const proof = await prove()
  const places = placesOf(config, options, proof)
  let report: DrillReport | undefined
  try {
    report = await drillRevocation(
      {
        ask: async () => await askAll(places),
        revoke: async () => {
          await office.end({ kind: 'subject', subject: person.subject })
        },
        monotonicMs: () => performance.now(),
        delay: async (ms) => await delay(ms),
      },
      withinMs,
    )
  } finally {
    if (report?.kind !== 'refused') await tidy(proof)
  }
  const about = { options, proof: proof.kind, places: places.map(({ url }) => url.origin) }
  say(json ? JSON.stringify(drillJson(report, about), null, 2) : drillText(report, about))
  return EXIT_CODES[report.kind]
}

const EXIT_CODES = { refused: 0, still_allowed: 1, not_allowed: 2 } as const

const placesOf = (
  config: Config,
  options: DrillOptions,
  { header }: DrillProof,
): readonly DrillPlace[] => {
  const request: DrillRequest = {
    host: options.host,
    path: options.path,
    method: options.method,
    scheme: isHttp(config) ? 'http' : 'https',
    proof: header,
  }
  if (options.through !== undefined) {
    return [sitePlace(options.through, request, publicOrigin(config))]
  }
  const listeners =
    options.verify.length > 0 ? options.verify : [`http://${reachable(config.listen.verify)}`]
  return listeners.map((address) => verifyPlace(address, request))
}
