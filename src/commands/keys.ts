import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { generateAssertionJwk, parseAssertionKeys } from '../edge/assertion/assertion-keys.ts'
import { parseKeyRing } from '../edge/sessions/key-ring.ts'
import { type Command, type ExitCode } from './command.ts'
import { complain, say } from './terminal.ts'

type Kind = 'session' | 'assertion'

const parse = (
  args: readonly string[],
): {
  readonly kind: Kind
  readonly rest: readonly string[]
  readonly keep: number
  readonly json: boolean
} => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      keep: { type: 'string', default: '3' },
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
  return { kind, rest, keep, json: values.json }
}

const newSessionKey = (): string => randomBytes(32).toString('base64url')

export const keysGenerate: Command = {
  name: 'keys generate',
  summary: 'print a new key file: of session keys, or of assertion keys',
  help: `Usage: vestibule keys generate session|assertion [--json]

Prints a key file to standard output. Keep it in a Secret; session.keysFile and
assertion.keysFile name it.

  vestibule keys generate session > session-keys
  vestibule keys generate assertion > assertion-keys`,
  run: async (args): Promise<ExitCode> => {
    const { kind, json } = parse(args)
    if (kind === 'assertion') {
      say(JSON.stringify({ keys: [await generateAssertionJwk()] }, null, json ? 0 : 2))
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
  help: `Usage: vestibule keys rotate session|assertion FILE [--keep N] [--json]

Puts a new key first and keeps the newest N in all (3). Records and assertions made
with a kept key stay valid; nobody is signed out. The file is replaced in one step.`,
  run: async (args): Promise<ExitCode> => {
    const { kind, rest, keep, json } = parse(args)
    const [file] = rest
    if (file === undefined) throw new TypeError('name the key file')
    const text = await readFile(file, 'utf8')
    const rotated =
      kind === 'session' ? rotateSession(text, keep) : await rotateAssertion(text, keep)
    if (rotated === undefined) {
      complain(`${file} is no file of ${kind} keys; it was left as it is.`)
      return 2
    }
    await writeFile(`${file}.new`, rotated.text, { mode: 0o600 })
    await rename(`${file}.new`, file)
    if (json) say(JSON.stringify({ file, keys: rotated.count }))
    else
      say(`${file} now holds ${rotated.count} keys. Update the Secret, then restart the replicas.`)
    return 0
  },
}

type Rotated = { readonly text: string; readonly count: number }

const rotateSession = (text: string, keep: number): Rotated | undefined => {
  const ring = parseKeyRing(text)
  if (!ring.ok) return undefined
  const keys = [newSessionKey(), ...ring.value.map(({ bytes }) => bytes.toString('base64url'))]
  const kept = keys.slice(0, keep)
  return { text: `# newest first\n${kept.join('\n')}\n`, count: kept.length }
}

const rotateAssertion = async (text: string, keep: number): Promise<Rotated | undefined> => {
  const known = await parseAssertionKeys(text)
  if (!known.ok) return undefined
  const old: unknown = JSON.parse(text)
  const oldKeys: readonly unknown[] =
    typeof old === 'object' && old !== null && 'keys' in old && Array.isArray(old.keys)
      ? old.keys
      : []
  const kept = [await generateAssertionJwk(), ...oldKeys].slice(0, keep)
  return { text: `${JSON.stringify({ keys: kept }, null, 2)}\n`, count: kept.length }
}
