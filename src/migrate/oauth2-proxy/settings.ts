import { type Leftover, type Origin } from '../translate/draft.ts'
import { FATES, flagOfKey, flagOfVariable, isList, isSwitch } from './flags.ts'

export type Setting = {
  readonly flag: string
  readonly values: readonly string[]
  readonly origin: Origin
}

/** What one oauth2-proxy was told, each flag once. */
export type Settings = {
  readonly byFlag: ReadonlyMap<string, Setting>
  readonly leftovers: readonly Leftover[]
}

type Found = { readonly settings: readonly Setting[]; readonly leftovers: readonly Leftover[] }

/** An argument or variable with its place. */
export type Word = { readonly text: string; readonly origin: Origin }
export type Variable = { readonly name: string; readonly value: string; readonly origin: Origin }

/** A flag wins over the environment, and that over the file, each with all its values. */
export const settingsOf = (sources: {
  readonly words: readonly Word[]
  readonly variables: readonly Variable[]
  readonly files: readonly { readonly file: string; readonly text: string }[]
}): Settings => {
  const found = [
    ...sources.files.map(({ file, text }) => readFile(file, text)),
    readVariables(sources.variables),
    readWords(sources.words),
  ]
  return {
    byFlag: new Map(
      found.flatMap(({ settings }) => settings.map((setting) => [setting.flag, setting] as const)),
    ),
    leftovers: found.flatMap(({ leftovers }) => leftovers),
  }
}

/** A file of it: its configuration, or its flags or variables, one a line. */
export const readSettings = ({
  file,
  text,
}: {
  readonly file: string
  readonly text: string
}): Settings => {
  const lines = text.split('\n').map((line, index) => ({
    text: line.trim().replace(/^- /, ''),
    origin: { file, line: index + 1 },
  }))
  const words = lines
    .filter((line) => line.text.startsWith('-'))
    .flatMap(({ text: line, origin }) =>
      line.split(/(?<=^\S+)\s+/).map((part) => ({ text: part, origin })),
    )
  const variables = lines.flatMap(({ text: line, origin }) => {
    const [, name, value] = /^(?:export )?(OAUTH2_PROXY_[A-Z0-9_]+)=(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined
      ? []
      : [{ name, value: value.replace(/^(["'])(.*)\1$/, '$2'), origin }]
  })
  const isFile = words.length === 0 && variables.length === 0
  return settingsOf({ words, variables, files: isFile ? [{ file, text }] : [] })
}

const unknown = (what: string, origin: Origin): Leftover => ({
  origin,
  what,
  why: 'is not known as a setting of oauth2-proxy, so nobody here knows what it does',
})

const readWords = (words: readonly Word[]): Found => {
  const settings = new Map<string, Setting>()
  const leftovers: Leftover[] = []
  let index = 0
  while (index < words.length) {
    const read = readWord(words, index)
    index += read.length
    if (read.setting !== undefined) {
      const earlier = isList(read.setting.flag) ? settings.get(read.setting.flag) : undefined
      settings.set(read.setting.flag, {
        ...read.setting,
        values: (earlier?.values ?? []).concat(read.setting.values),
      })
    }
    if (read.leftover !== undefined) leftovers.push(read.leftover)
  }
  return { settings: [...settings.values()], leftovers }
}

type ReadWord = {
  /** How many words it was. */
  readonly length: number
  readonly setting?: Setting
  readonly leftover?: Leftover
}

/** `--flag=value`, `--flag value`, or `--switch`. */
const readWord = (words: readonly Word[], index: number): ReadWord => {
  const { text, origin } = words[index] ?? NO_WORD
  const [, flag, inline] = /^--?([a-z0-9-]+)(?:=([\s\S]*))?$/.exec(text) ?? []
  if (flag === undefined || !FATES.has(flag)) return strangeWord(text, flag, origin)
  const length = inline === undefined && !isSwitch(flag) ? 2 : 1
  const value = inline ?? valueAfter(words, index, length)
  return { length, setting: { flag, origin, values: isList(flag) ? commaList(value) : [value] } }
}

/** A switch that stands there is on. */
const valueAfter = (words: readonly Word[], index: number, length: 1 | 2): string =>
  length === 1 ? 'true' : (words[index + 1]?.text ?? '')

const strangeWord = (text: string, flag: string | undefined, origin: Origin): ReadWord => {
  const isOwn = !text.startsWith('-') || (flag !== undefined && OWN_FLAGS.has(flag))
  return isOwn ? { length: 1 } : { length: 1, leftover: unknown(text.replace(/=.*$/s, ''), origin) }
}

const NO_WORD: Word = { text: '', origin: { file: '', line: undefined } }

/** They say where the rest stands. */
const OWN_FLAGS: ReadonlySet<string> = new Set(['config', 'alpha-config', 'config-test', 'version'])

const readVariables = (variables: readonly Variable[]): Found => {
  const settings: Setting[] = []
  const leftovers: Leftover[] = []
  for (const { name, value, origin } of variables) {
    const flag = flagOfVariable(name)
    if (flag !== undefined) {
      settings.push({ flag, origin, values: isList(flag) ? commaList(value) : [value] })
    } else if (name.startsWith('OAUTH2_PROXY_')) leftovers.push(unknown(name, origin))
  }
  return { settings, leftovers }
}

const commaList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** The flat part of TOML that its configuration file is: one key a line, lists over several. */
const readFile = (file: string, text: string): Found => {
  const settings: Setting[] = []
  const leftovers: Leftover[] = []
  for (const { line, key, value } of assignmentsOf(text)) {
    const origin = { file, line }
    const flag = flagOfKey(key)
    const values = valuesOf(value)
    if (flag === undefined) leftovers.push(unknown(key, origin))
    else if (values === undefined) {
      leftovers.push({ origin, what: key, why: 'has a value that could not be read' })
    } else
      settings.push({ flag, origin, values: isList(flag) ? values.flatMap(commaList) : values })
  }
  return { settings, leftovers }
}

type Assignment = { readonly line: number; readonly key: string; readonly value: string }

const assignmentsOf = (text: string): readonly Assignment[] => {
  const found: Assignment[] = []
  let open: { readonly line: number; readonly parts: string[] } | undefined
  for (const [index, written] of text.split('\n').entries()) {
    const content = withoutComment(written).trim()
    if (content === '') continue
    open ??= { line: index + 1, parts: [] }
    open.parts.push(content)
    const assignment = assignmentOf(open.line, open.parts.join(' '))
    if (isClosed(assignment.value)) {
      found.push(assignment)
      open = undefined
    }
  }
  return open === undefined ? found : [...found, assignmentOf(open.line, open.parts.join(' '))]
}

const assignmentOf = (line: number, content: string): Assignment => {
  const [, key = content, value = ''] = /^"?([A-Za-z0-9_-]+)"?\s*=\s*(.*)$/.exec(content) ?? []
  return { line, key, value }
}

const isClosed = (value: string): boolean => !value.startsWith('[') || value.endsWith(']')

/** A `#` inside quotes is none. */
const withoutComment = (line: string): string =>
  /^(?:[^#"']|"(?:[^"\\]|\\.)*"|'[^']*')*/.exec(line)?.[0] ?? ''

const QUOTED = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')$/

const valuesOf = (written: string): readonly string[] | undefined => {
  if (written.startsWith('[') && written.endsWith(']')) {
    const items = written.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,]+/g) ?? []
    const values = items.map(valueOf)
    return values.includes(undefined) ? undefined : values.flatMap((value) => value ?? [])
  }
  const value = valueOf(written)
  return value === undefined ? undefined : [value]
}

const valueOf = (written: string): string | undefined => {
  const [match, double, single] = QUOTED.exec(written) ?? []
  if (match !== undefined) return single ?? unescape(double ?? '')
  return /^(?:true|false|[+-]?\d+(?:\.\d+)?)$/.test(written) ? written : undefined
}

const unescape = (text: string): string => text.replace(/\\(["\\])/g, '$1')
