import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  ASSERTION_ALGORITHMS,
  type AssertionAlgorithm,
  generateAssertionJwk,
  parseAssertionKeys,
} from '../edge/assertion/assertion-keys.ts'
import { parseKeyRing } from '../edge/sessions/key-ring.ts'
import { type Command, type ExitCode } from './command.ts'
import { complain, say } from './terminal.ts'

type Kind = 'session' | 'assertion'

/** A key has to be known to all replicas before one of them uses it. */
type Step = 'stage' | 'promote' | 'whole'

const parse = (
  args: readonly string[],
): {
  readonly kind: Kind
  readonly rest: readonly string[]
  readonly keep: number
  readonly step: Step
  readonly algorithm: AssertionAlgorithm | undefined
  readonly json: boolean
} => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      keep: { type: 'string', default: '3' },
      stage: { type: 'boolean', default: false },
      promote: { type: 'boolean', default: false },
      algorithm: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const [kind, ...rest] = positionals
  if (kind !== 'session' && kind !== 'assertion') {
    throw new TypeError('say which keys: session or assertion')
  }
  const keep = Number(values.keep)
  if (!Number.isInteger(keep) || keep < 1 || keep > 10) {
    throw new TypeError('--keep is a number from 1 to 10')
  }
  if (values.stage && values.promote) throw new TypeError('choose --stage or --promote')
  const step = values.stage ? 'stage' : values.promote ? 'promote' : 'whole'
  return {
    kind,
    rest,
    keep,
    step,
    algorithm: algorithmOf(kind, values.algorithm),
    json: values.json,
  }
}

const algorithmOf = (kind: Kind, written: string | undefined): AssertionAlgorithm | undefined => {
  if (written === undefined) return undefined
  const algorithm = ASSERTION_ALGORITHMS.find((each) => each === written)
  if (kind !== 'assertion' || algorithm === undefined) {
    throw new TypeError('--algorithm is ES256 or RS256, and goes with assertion')
  }
  return algorithm
}

const newSessionKey = (): string => randomBytes(32).toString('base64url')

export const keysGenerate: Command = {
  name: 'keys generate',
  summary: 'print a new key file: of session keys, or of assertion keys',
  help: `Usage: vestibule keys generate session|assertion [--algorithm ES256|RS256] [--json]

Prints a key file to standard output. Keep it in a Secret; session.keysFile and
assertion.keysFile name it.

  vestibule keys generate session > session-keys
  vestibule keys generate assertion > assertion-keys`,
  run: async (args): Promise<ExitCode> => {
    const { kind, algorithm, json } = parse(args)
    if (kind === 'assertion') {
      say(JSON.stringify({ keys: [await generateAssertionJwk(algorithm)] }, null, json ? 0 : 2))
    } else {
      const key = newSessionKey()
      say(json ? JSON.stringify({ keys: [key] }) : `# newest first\n${key}`)
    }
    return 0
  },
}

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'put a new key on top of a key file and drop the oldest',
  help: `Usage: vestibule keys rotate session|assertion FILE [--keep N] [--algorithm A] [--json]

Makes a new key. Records and assertions made with a key that stays in the file stay
valid; nobody is signed out. The file is replaced in one step, and running replicas
take it over without a restart.

  --keep N    how many keys stay (default 3)
  --algorithm ES256 or RS256 for a new assertion key; that of the first key if absent

Where pods restart with the new file, do it in two steps, else one that was not yet
restarted cannot read what another has made with the new key:

  --stage     put the new key last: known, not yet used. Update the Secret, restart.
  --promote   put the last key first: used from now on. Update the Secret, restart.

Exit codes: 0 done, 2 the file is no key file; it was left as it is.`,
  run: async (args): Promise<ExitCode> => {
    const { kind, rest, keep, step, algorithm, json } = parse(args)
    const [file] = rest
    if (file === undefined) throw new TypeError('name the key file')
    const text = await readFile(file, 'utf8')
    const rotated =
      kind === 'session'
        ? rotateSession(text, keep, step)
        : await rotateAssertion(text, keep, step, algorithm)
    if (rotated === undefined) {
      complain(`${file} is no file of ${kind} keys; it was left as it is.`)
      return 2
    }
    await writeFile(`${file}.new`, rotated.text, { mode: 0o600 })
    await rename(`${file}.new`, file)
    if (json) say(JSON.stringify({ file, keys: rotated.count }))
    else
      say(
        `${file} now holds ${rotated.count} ${rotated.count === 1 ? 'key' : 'keys'}. Update the Secret; running replicas take it over.`,
      )
    return 0
  },
}

type Rotated = { readonly text: string; readonly count: number }

/** The keys in their new order; staging never drops one that is in use. */
const reorder = <Key>(
  old: readonly Key[],
  step: Step,
  keep: number,
  fresh: Key,
): readonly Key[] => {
  if (step === 'stage') return [...old, fresh]
  const last = old.at(-1)
  if (step === 'promote' && last !== undefined) return [last, ...old.slice(0, -1)].slice(0, keep)
  return [fresh, ...old].slice(0, keep)
}

const rotateSession = (text: string, keep: number, step: Step): Rotated | undefined => {
  const ring = parseKeyRing(text)
  if (!ring.ok) return undefined
  const old = ring.value.map(({ bytes }) => bytes.toString('base64url'))
  const kept = reorder(old, step, keep, newSessionKey())
  return { text: `# newest first\n${kept.join('\n')}\n`, count: kept.length }
}

const rotateAssertion = async (
  text: string,
  keep: number,
  step: Step,
  algorithm: AssertionAlgorithm | undefined,
): Promise<Rotated | undefined> => {
  const known = await parseAssertionKeys(text)
  if (!known.ok) return undefined
  const old: unknown = JSON.parse(text)
  const oldKeys: readonly unknown[] =
    typeof old === 'object' && old !== null && 'keys' in old && Array.isArray(old.keys)
      ? old.keys
      : []
  const fresh = await generateAssertionJwk(algorithm ?? known.value[0].algorithm)
  const kept = reorder<unknown>(oldKeys, step, keep, fresh)
  return { text: `${JSON.stringify({ keys: kept }, null, 2)}\n`, count: kept.length }
}
