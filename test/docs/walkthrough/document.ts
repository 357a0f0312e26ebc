import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One fenced block of the document, with what it is for. */
export type Block = { readonly line: number; readonly text: string } & (
  | { readonly kind: 'file'; readonly file: string }
  /** `prints` are lines that have to be in its output; in a cluster it cannot run here. */
  | { readonly kind: 'run'; readonly exitCode: number; readonly prints: readonly string[] }
  | { readonly kind: 'cluster'; readonly writes: readonly string[] }
)

const DOCS = join(import.meta.dirname, '../../../docs')

const FENCE = /^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm

/** The day in the document on which observing ends; it must not come while the tests live. */
const DAY = /2027-01-31/g

/**
 * Blocks in their order. `sh` is run, `sh cluster` needs a cluster, `yaml FILE` is that file, and
 * `text` is what the block before prints; what has no language is to be copied.
 */
export const readBlocks = (laterDay: string, file = 'migrate.md'): readonly Block[] => {
  const text = readFileSync(join(DOCS, file), 'utf8').replace(DAY, laterDay)
  const fences = [...text.matchAll(FENCE)].map(
    ([, language = '', about = '', body = ''], index) => ({
      language,
      about,
      body,
      line: lineOf(text, index),
    }),
  )
  return fences.flatMap(({ language, about, body, line }, index): readonly Block[] => {
    if (language === 'text' || language === '') return []
    const next = fences[index + 1]
    const prints =
      next?.language === 'text' ? next.body.split('\n').filter((each) => each !== '') : []
    return [{ line, text: body, ...kindOf(`${language} ${about}`.trim(), body, prints) }]
  })
}

const lineOf = (text: string, index: number): number => {
  const starts = [...text.matchAll(FENCE)].map((match) => match.index)
  return text.slice(0, starts[index]).split('\n').length
}

const kindOf = (info: string, body: string, prints: readonly string[]) => {
  if (info === 'sh') {
    return {
      kind: 'run',
      prints,
      exitCode: Number(/# exit code (\d)/.exec(body)?.[1] ?? '0'),
    } as const
  }
  if (info === 'sh cluster') {
    const writes = [...body.matchAll(/> (\S+)/g)].map(([, file = '']) => file)
    return { kind: 'cluster', writes } as const
  }
  const [, file] = /^yaml (\S+)$/.exec(info) ?? []
  if (file !== undefined) return { kind: 'file', file } as const
  throw new Error(`nobody knows what to do with a block of ${info}`)
}
