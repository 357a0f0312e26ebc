import { type z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { type ClusterObject, type FieldPath, type Fields } from '../../migrate/cluster-object.ts'
import { fieldsAt, listAt, textAt, textMapAt, valueAt } from '../../migrate/fields.ts'
import { keyPath } from '../files/schema-faults.ts'
import { createLineFinder, lineAt } from './line-of.ts'
import { parsePiece, type Trouble } from './parse-piece.ts'
import { type Piece } from './piece.ts'
import { isPassedOver, prune } from './prune.ts'
import { ENVELOPE, SHAPES } from './shapes.ts'

/** What one piece gave: objects, faults, or a document that is something else (`strange`). */
export type Outcome = {
  readonly objects: readonly ClusterObject[]
  readonly faults: readonly Fault[]
  readonly strange: readonly Fault[]
}

const NOTHING: Outcome = { objects: [], faults: [], strange: [] }

/** These live in no namespace; of the kinds that nobody listed, those that name none. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'ClusterNetworkPolicy',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'GatewayClass',
  'GlobalNetworkPolicy',
  'IngressClass',
  'Namespace',
  'Node',
  'PersistentVolume',
  'PriorityClass',
  'StorageClass',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
])

/** A list within a list is taken apart so many times; kubectl makes none. */
const MOST_NESTED_LISTS = 3

const lineFinder = createLineFinder()

/** Reads one piece of a file into objects. Faults never quote it. */
export const readPiece = (file: string, piece: Piece): Outcome => {
  const parsed = parsePiece(piece)
  if (!parsed.ok) {
    return { ...NOTHING, faults: parseFaults(file, piece, parsed.failure) }
  }
  const source: Source = { file, piece, value: parsed.value, inside: [] }
  if (piece.itemsTaken > 0) return readShell(source)
  return parsed.value === null && piece.path === '' ? NOTHING : readValue(source)
}

/** One line can have many troubles of one kind, and is named once. */
const parseFaults = (
  file: string,
  piece: Piece,
  troubles: readonly Trouble[],
): readonly Fault[] => {
  const faults = troubles.map(({ offset, problem, remedy }): readonly [string, Fault] => {
    const line = lineAt(piece, offset)
    const fault = { file, line, column: undefined, key: piece.path, problem, remedy }
    return [`${line} ${problem}`, fault]
  })
  return [...new Map(faults).values()]
}

/** Its mappings are gone already; what else stands among them is no object. */
const readShell = (source: Source): Outcome => {
  const rest = listAt(source.value, 'items').length - source.piece.itemsTaken
  const problem = `holds ${rest} ${rest === 1 ? 'item' : 'items'} that ${rest === 1 ? 'is' : 'are'} no mapping`
  return rest > 0 ? { ...NOTHING, strange: [{ ...strangeness(source), problem }] } : NOTHING
}

type Source = {
  readonly file: string
  readonly piece: Piece
  readonly value: unknown
  /** The way from the piece to the object, where the piece is a list. */
  readonly inside: FieldPath
}

const readValue = (source: Source): Outcome => {
  const { value, inside } = source
  const fields = fieldsAt(value)
  if (isPassedOver(fields?.['kind'])) return NOTHING
  if (fields !== undefined && isList(fields) && inside.length < 2 * MOST_NESTED_LISTS) {
    return join(
      listAt(fields, 'items').map((item, index) =>
        readValue({ ...source, value: item, inside: [...inside, 'items', index] }),
      ),
    )
  }
  const envelope = ENVELOPE.safeParse(value)
  if (!envelope.success) {
    return isMeant(value)
      ? { ...NOTHING, faults: shapeFaults(source, envelope.error) }
      : { ...NOTHING, strange: [strangeness(source)] }
  }
  return readObject(source, envelope.data)
}

/** Kustomizations have a kind too, but nothing that would be an object. */
const isMeant = (value: unknown): boolean =>
  textAt(value, 'apiVersion') !== undefined &&
  textAt(value, 'kind') !== undefined &&
  valueAt(value, 'metadata') !== undefined

const readObject = (source: Source, fields: Fields): Outcome => {
  const shape = SHAPES.get(`${groupOf(fields)}/${textAt(fields, 'kind') ?? ''}`)
  const checked = shape?.safeParse(fields)
  if (checked !== undefined && !checked.success) {
    return { ...NOTHING, faults: shapeFaults(source, checked.error) }
  }
  return { ...NOTHING, objects: [objectOf(source, fields)] }
}

const isList = (fields: Fields): boolean =>
  (textAt(fields, 'kind') ?? '').endsWith('List') && Array.isArray(fields['items'])

const join = (outcomes: readonly Outcome[]): Outcome => ({
  objects: outcomes.flatMap(({ objects }) => objects),
  faults: outcomes.flatMap(({ faults }) => faults),
  strange: outcomes.flatMap(({ strange }) => strange),
})

/** `networking.k8s.io/v1` → `networking.k8s.io`; `v1` → empty. */
const groupOf = (fields: Fields): string => {
  const version = textAt(fields, 'apiVersion') ?? ''
  return version.includes('/') ? version.slice(0, version.indexOf('/')) : ''
}

const objectOf = (source: Source, fields: Fields): ClusterObject => {
  const { file, piece, inside } = source
  const kind = textAt(fields, 'kind') ?? ''
  const kept = prune(fields)
  const line = inside.length === 0 ? firstLine(piece) : lineFinder(piece)(inside)
  return {
    apiVersion: textAt(fields, 'apiVersion') ?? '',
    kind,
    namespace: namespaceOf(kind, textAt(fields, 'metadata', 'namespace')),
    name: textAt(fields, 'metadata', 'name') ?? textAt(fields, 'metadata', 'generateName') ?? '',
    labels: textMapAt(kept, 'metadata', 'labels'),
    annotations: textMapAt(kept, 'metadata', 'annotations'),
    fields: kept,
    origin: { file, line, path: pathText(piece, inside) },
    lineOf: kind === 'Secret' ? sameLine(line) : linesIn(source),
  }
}

/** The text of a Secret is not kept, so its lines cannot be found again. */
const sameLine = (line: number) => (): number => line

const linesIn = ({ piece, inside }: Source): ((path: FieldPath) => number) => {
  const findLine = lineFinder(piece)
  return (path) => findLine([...inside, ...path])
}

/** The first line that holds something. */
const firstLine = (piece: Piece): number => lineAt(piece, piece.text.search(/^[ \t]*[^\s#]/m) + 1)

const pathText = (piece: Piece, inside: FieldPath): string =>
  [piece.path, keyPath(inside)].filter((part) => part !== '').join('.')

const namespaceOf = (kind: string, written: string | undefined): string => {
  if (CLUSTER_WIDE.has(kind)) return ''
  return written === undefined || written === '' ? 'default' : written
}

const shapeFaults = ({ file, piece, inside }: Source, error: z.ZodError): readonly Fault[] =>
  error.issues.slice(0, 10).map(({ path, message }) => {
    const names = path.filter((name) => typeof name !== 'symbol')
    return {
      file,
      line: lineFinder(piece)([...inside, ...names]),
      column: undefined,
      key: [pathText(piece, inside), keyPath(path)].filter((part) => part !== '').join('.'),
      problem: message.replace(/^Invalid input: /, '').replace(/\.$/, ''),
      remedy: 'Kubernetes would refuse it too; correct it.',
    }
  })

const strangeness = ({ file, piece, inside }: Source): Fault => ({
  file,
  line: inside.length === 0 ? firstLine(piece) : lineFinder(piece)(inside),
  column: undefined,
  key: pathText(piece, inside),
  problem: 'is no Kubernetes object: apiVersion, kind or metadata is missing',
  remedy: 'Name manifests, or what kubectl get -o yaml or -o json prints.',
})
