import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  Lexer,
  type Node,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml'
import { fail, ok, type Result } from '../../core/result.ts'
import { withoutSource } from '../files/strict-yaml.ts'
import { DEEPEST, LARGEST_OBJECT, type Piece } from './piece.ts'

/** What is wrong, and where in the piece. */
export type Trouble = {
  readonly offset: number
  readonly problem: string
  readonly remedy: string
}

/** Troubles of one piece that are told; a broken one can have one for each of its bytes. */
const MOST_TROUBLES = 10

const NO_TEMPLATES = 'Is it a template? Render it first, with helm template.'

const CUT_OFF = 'Read it again: was the command that wrote it stopped, or the disk full?'

const TROUBLES: Readonly<Record<Exclude<Piece['trouble'], undefined>, Omit<Trouble, 'offset'>>> = {
  too_large: {
    problem: `is an object larger than ${LARGEST_OBJECT / 1024 / 1024} MiB`,
    remedy: 'Kubernetes itself takes none of that size; leave it out.',
  },
  too_deep: { problem: `nests deeper than ${DEEPEST} levels`, remedy: 'Leave it out.' },
  truncated: { problem: 'begins here and does not end', remedy: CUT_OFF },
}

export const parsePiece = (piece: Piece): Result<unknown, readonly Trouble[]> => {
  if (piece.trouble !== undefined) return fail([{ offset: 0, ...TROUBLES[piece.trouble] }])
  return piece.format === 'json' ? parseJson(piece.text) : parseYamlPiece(piece)
}

/** What it throws quotes the text, which may hold a secret; the YAML parser knows the place. */
const parseJson = (text: string): Result<unknown, readonly Trouble[]> => {
  try {
    return ok(JSON.parse(text))
  } catch {
    const { document } = documentOf(text)
    const offset = document?.errors[0]?.pos[0] ?? 0
    return fail([{ offset, problem: 'is not valid JSON', remedy: 'Correct it, or use YAML.' }])
  }
}

const parseYamlPiece = ({ text, itemsTaken }: Piece): Result<unknown, readonly Trouble[]> => {
  const { document, isTooDeep } = documentOf(text)
  if (isTooDeep) return fail([{ offset: 0, ...TROUBLES.too_deep }])
  if (document === undefined) return ok(null)
  const troubles = troublesOf(document, text)
  if (troubles.length > 0) return fail(troubles)
  const value: unknown = document.toJS({ maxAliasCount: 0 })
  const isCutOff =
    itemsTaken > 0 && typeof value === 'object' && value !== null && !('kind' in value)
  return isCutOff
    ? fail([{ offset: 0, problem: 'is a list that ends before its kind', remedy: CUT_OFF }])
    : ok(value)
}

type Composed = { readonly document: Document.Parsed | undefined; readonly isTooDeep: boolean }

/** The composer recurses, so the depth is watched while the parser, which does not, goes on. */
export const documentOf = (text: string): Composed => {
  let isTooDeep = false
  const tokens = function* (): Generator<CST.Token, void> {
    const parser = new Parser()
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme)
      isTooDeep = parser.stack.length > 2 * DEEPEST
      if (isTooDeep) return
    }
    yield* parser.end()
  }
  // The library compares every key with every other one; `mapTrouble` does not.
  const [document] = new Composer({ uniqueKeys: false }).compose(tokens())
  return { document: isTooDeep ? undefined : document, isTooDeep }
}

const troublesOf = (document: Document.Parsed, text: string): readonly Trouble[] => {
  const found: Trouble[] = [...document.errors, ...document.warnings]
    .slice(0, MOST_TROUBLES)
    .map(({ pos, message }) => ({
      offset: pos[0],
      problem: withoutSource(message),
      remedy: text.includes('{{') ? NO_TEMPLATES : 'Correct the YAML.',
    }))
  visit(document, (_key, node) => {
    const trouble = isNode(node) ? nodeTrouble(node) : undefined
    if (trouble !== undefined) found.push(trouble)
    return found.length < MOST_TROUBLES ? undefined : visit.BREAK
  })
  return found
}

/** A few aliases can expand to gigabytes; kubectl, helm and kustomize write none. */
const nodeTrouble = (node: Node): Trouble | undefined => {
  const offset = node.range?.[0] ?? 0
  if (isAlias(node)) {
    return { offset, problem: 'aliases are not accepted', remedy: 'Write it out.' }
  }
  if (node.tag !== undefined) {
    return { offset, problem: 'tags are not accepted', remedy: 'Use quotes where text is meant.' }
  }
  return isMap(node) ? mapTrouble(node, offset) : undefined
}

const mapTrouble = ({ items }: YAMLMap, start: number): Trouble | undefined => {
  const seen = new Set<string>()
  for (const { key } of items) {
    if (!isScalar(key)) {
      return { offset: start, problem: 'has a key that is no text', remedy: NO_TEMPLATES }
    }
    const name = String(key.value)
    const offset = key.range?.[0] ?? start
    if (seen.has(name)) return { offset, problem: 'repeats a key', remedy: 'Keep one of them.' }
    seen.add(name)
  }
  return undefined
}
