import { type Document, isMap, isNode, isScalar, isSeq } from 'yaml'
import { type FieldPath } from '../../migrate/cluster-object.ts'
import { documentOf } from './parse-piece.ts'
import { type Piece } from './piece.ts'

type LineOf = (path: FieldPath) => number

/** Only what is asked for is parsed again, so that not every object is kept as a tree. */
export const createLineFinder = (): ((piece: Piece) => LineOf) => {
  let last: { readonly piece: Piece; readonly document: Document.Parsed | undefined } | undefined
  return (piece) => (path) => {
    if (last?.piece !== piece) last = { piece, document: documentOf(piece.text).document }
    return lineAt(piece, offsetOf(last.document?.contents, path))
  }
}

export const lineAt = ({ text, line }: Piece, offset: number): number => {
  let count = line
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    count += 1
  }
  return count
}

/** Of the key, or of the item; where it is absent, of what would hold it. */
const offsetOf = (root: unknown, path: FieldPath): number => {
  let node = root
  let offset = startOf(root) ?? 0
  for (const name of path) {
    const next = childOf(node, name)
    if (next === undefined) return offset
    offset = next.offset ?? offset
    node = next.value
  }
  return offset
}

type Child = { readonly value: unknown; readonly offset: number | undefined }

const childOf = (node: unknown, name: string | number): Child | undefined => {
  if (isSeq(node) && typeof name === 'number') {
    const value: unknown = node.items[name]
    return value === undefined ? undefined : { value, offset: startOf(value) }
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name)
  return pair === undefined ? undefined : { value: pair.value, offset: startOf(pair.key) }
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)
