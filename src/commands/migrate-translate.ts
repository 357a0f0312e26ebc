import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Fault, faultText } from '../core/fault.ts'
import { type Translation } from '../migrate/translate/draft.ts'
import { draftFileName, draftText } from '../migrate/translate/draft-text.ts'
import { type Command } from './command.ts'
import { MANIFESTS_HELP } from './manifests-input.ts'
import { translateJson, translateText } from './migrate-translate-report.ts'
import { translateAll } from './migrate-translate-run.ts'
import { complain, say, sayFaults } from './terminal.ts'

export const migrateTranslate: Command = {
  name: 'migrate translate',
  summary: 'write policy skeletons from what guards the hosts now',
  help: `Usage: vestibule migrate translate [FILE|DIR|-]… [--out FOLDER] [--json]
           [--oauth2-proxy FILE] [--authelia FILE] [--pomerium FILE] [--vouch FILE]
           [--traefik-forward-auth FILE]

Reads Ingresses and the configuration of other services, and writes one policy file for
each host. Each waits for you: it has TODOs, and neither policy lint nor the service
takes it before they are filled in. Nothing is wider than it was. What cannot be carried
over is named, with file and line.

${MANIFESTS_HELP}
  --out FOLDER    write the files there; one that is there already is not touched
  --oauth2-proxy FILE          its configuration file, or its flags or variables, one a line;
                               an oauth2-proxy among the manifests is found by itself
  --authelia FILE              the file with access_control
  --pomerium FILE              the file with routes
  --vouch FILE                 config.yml of vouch-proxy
  --traefik-forward-auth FILE  its file, or its flags or variables, one a line
  --json          the files and what is left over, as JSON

Exit codes: 0 all carried over, 1 something was not, 2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const translated = await translateAll(options)
    if (!translated.ok) {
      sayFaults(translated.failure, options.json)
      return 2
    }
    const { translation, unread } = translated.value
    sayUnread(unread)
    const clash = options.out === undefined ? [] : await writeDrafts(translation, options.out)
    if (clash.length > 0) {
      sayFaults(clash, options.json)
      return 2
    }
    say(options.json ? translateJson(translation) : translateText(translation, options.out))
    return translation.leftovers.length === 0 && unread.length === 0 ? 0 : 1
  },
}

const sayUnread = (unread: readonly Fault[]): void => {
  for (const fault of unread) complain(faultText(fault))
}

/** Somebody may have filled it in since. */
const writeDrafts = async ({ drafts }: Translation, folder: string): Promise<readonly Fault[]> => {
  await mkdir(folder, { recursive: true })
  const faults: Fault[] = []
  for (const draft of drafts) {
    const file = join(folder, draftFileName(draft))
    try {
      await writeFile(file, draftText(draft), { flag: 'wx' })
    } catch {
      faults.push({
        file,
        line: undefined,
        column: undefined,
        key: '',
        problem: 'is there already, or cannot be written',
        remedy: 'Name another folder, or move it away.',
      })
    }
  }
  return faults
}

const PEERS = ['oauth2-proxy', 'authelia', 'pomerium', 'vouch', 'traefik-forward-auth'] as const

export type PeerOption = (typeof PEERS)[number]

export type TranslateOptions = {
  readonly manifests: readonly string[]
  readonly keepGoing: boolean
  readonly out: string | undefined
  readonly json: boolean
  readonly peers: Readonly<Partial<Record<PeerOption, string>>>
}

const parse = (args: readonly string[]): TranslateOptions => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      json: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      'oauth2-proxy': { type: 'string' },
      authelia: { type: 'string' },
      pomerium: { type: 'string' },
      vouch: { type: 'string' },
      'traefik-forward-auth': { type: 'string' },
    },
    allowPositionals: true,
    strict: true,
  })
  const peers = Object.fromEntries(
    PEERS.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  )
  return {
    manifests: positionals,
    keepGoing: values['keep-going'],
    out: values.out,
    json: values.json,
    peers,
  }
}
