import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { type ClusterObject } from '../../migrate/cluster-object.ts'
import { readPiece } from './cluster-objects.ts'
import { type Piece, type Splitter } from './piece.ts'
import { createJsonSplitter } from './split-json.ts'
import { createYamlSplitter } from './split-yaml.ts'
import { createUtf8, type Utf8 } from './utf8.ts'

/** Objects in the order in which they were read, and what could not be read. */
export type ManifestRead = {
  readonly objects: readonly ClusterObject[]
  readonly faults: readonly Fault[]
  /** Documents of folders that are no Kubernetes objects: values of charts and the like. */
  readonly passedOver: readonly Fault[]
}

/** Bounds on what a run may cost; some ten thousand pods fit. */
export type ReadBounds = { readonly bytes: number; readonly objects: number }

export const READ_BOUNDS: ReadBounds = { bytes: 256 * 1024 * 1024, objects: 100_000 }

export const STANDARD_INPUT = '-'

const MOST_FILES = 10_000

type Bytes = AsyncIterable<Uint8Array | string>

type Source = {
  readonly file: string
  readonly bytes: () => Bytes
  /** Whoever names a file means all of it; a folder holds other things too. */
  readonly isNamed: boolean
}

type Tally = {
  readonly objects: ClusterObject[]
  readonly faults: Fault[]
  readonly passedOver: Fault[]
  bytes: number
}

/**
 * Reads Kubernetes objects from files, folders (`*.yaml`, `*.yml`, `*.json`) and standard input
 * (`-`): documents one after the other, and the lists of `kubectl get -o yaml` and `-o json`. Of
 * the text no more than one object is parsed at a time.
 */
export const readManifests = async (
  places: readonly string[],
  standardInput: Bytes,
  bounds: ReadBounds = READ_BOUNDS,
): Promise<ManifestRead> => {
  const tally: Tally = { objects: [], faults: [], passedOver: [], bytes: 0 }
  for (const place of places) {
    for (const source of await sourcesOf(place, standardInput, tally)) {
      await readSource(source, tally, bounds)
    }
  }
  return tally
}

const sourcesOf = async (
  place: string,
  standardInput: Bytes,
  tally: Tally,
): Promise<readonly Source[]> => {
  if (place === STANDARD_INPUT) {
    return [{ file: STANDARD_INPUT, bytes: () => standardInput, isNamed: true }]
  }
  try {
    const about = await stat(place)
    if (about.isFile()) return [fileSource(place, true)]
    if (about.isDirectory()) return await folderSources(place, tally)
    tally.faults.push(fault(place, 'is neither a file nor a folder', 'Name a file, a folder or -.'))
  } catch (error) {
    tally.faults.push(unreadable(place, error))
  }
  return []
}

const fileSource = (file: string, isNamed: boolean): Source => ({
  file,
  bytes: () => createReadStream(file, { highWaterMark: 256 * 1024 }),
  isNamed,
})

/** Sorted, so that two runs say the same; names that begin with a dot are passed over. */
const folderSources = async (folder: string, tally: Tally): Promise<readonly Source[]> => {
  const names = await readdir(folder, { recursive: true })
  const files: string[] = []
  for (const name of names.toSorted()) {
    const isHidden = /(?:^|\/)\./.test(name)
    if (isHidden || !/\.(?:ya?ml|json)$/i.test(name)) continue
    const file = join(folder, name)
    if (await isFile(file, tally)) files.push(file)
  }
  if (files.length === 0) {
    tally.faults.push(fault(folder, 'holds no .yaml, .yml or .json file', 'Name another folder.'))
  }
  if (files.length > MOST_FILES) {
    tally.faults.push(fault(folder, `holds more than ${MOST_FILES} files`, 'Name parts of it.'))
    return []
  }
  return files.map((file) => fileSource(file, false))
}

/** A link that leads nowhere is a part that was not read. */
const isFile = async (file: string, tally: Tally): Promise<boolean> => {
  try {
    return (await stat(file)).isFile()
  } catch (error) {
    tally.faults.push(unreadable(file, error))
    return false
  }
}

const readSource = async (source: Source, tally: Tally, bounds: ReadBounds): Promise<void> => {
  const { file, bytes, isNamed } = source
  const before = tally.objects.length + tally.faults.length + tally.passedOver.length
  const take = (pieces: readonly Piece[]): boolean => {
    for (const piece of pieces) {
      const { objects, faults, strange } = readPiece(file, piece)
      for (const each of objects) tally.objects.push(each)
      tally.faults.push(...faults, ...(isNamed ? strange : []))
      if (!isNamed) tally.passedOver.push(...strange)
      if (isFull(tally, bounds)) return false
    }
    return true
  }
  const utf8 = createUtf8()
  try {
    const isWhole = await cut(counted(bytes(), utf8, tally), take)
    if (!isWhole) tally.faults.push(tooMuch(file, bounds))
  } catch (error) {
    tally.faults.push(unreadable(file, error, utf8.line()))
  }
  const after = tally.objects.length + tally.faults.length + tally.passedOver.length
  if (isNamed && after === before) {
    tally.faults.push(fault(file, 'holds no object', 'Was the command that wrote it successful?'))
  }
}

/** Faults cost memory as well; a file of nothing else is not read to its end. */
const MOST_FAULTS = 200

const isFull = ({ objects, faults, passedOver, bytes }: Tally, bounds: ReadBounds): boolean =>
  objects.length > bounds.objects ||
  faults.length + passedOver.length > MOST_FAULTS ||
  bytes > bounds.bytes

const counted = async function* (
  bytes: Bytes,
  utf8: Utf8,
  tally: Tally,
): AsyncGenerator<string, void> {
  for await (const part of bytes) {
    tally.bytes += part.length
    yield utf8.textOf(part)
  }
  utf8.end()
}

/** Whether everything was read: `take` may say that it is enough. */
const cut = async (
  texts: AsyncIterable<string>,
  take: (pieces: readonly Piece[]) => boolean,
): Promise<boolean> => {
  let splitter: Splitter | undefined
  let blank = ''
  for await (const text of texts) {
    if (splitter === undefined) {
      // The first character that is no space says what it is.
      blank += text
      if (!/\S/.test(blank)) continue
      splitter = /^\s*[[{]/.test(blank) ? createJsonSplitter() : createYamlSplitter()
      if (!take(splitter.push(blank))) return false
    } else if (!take(splitter.push(text))) return false
  }
  return splitter === undefined || take(splitter.end())
}

const fault = (file: string, problem: string, remedy: string): Fault => ({
  file,
  line: undefined,
  column: undefined,
  key: '',
  problem,
  remedy,
})

const tooMuch = (file: string, bounds: ReadBounds): Fault =>
  fault(
    file,
    `is not read to its end: more than ${Math.round(bounds.bytes / 1024 / 1024)} MiB, ${bounds.objects} objects or ${MOST_FAULTS} faults in all`,
    'Ask kubectl for fewer kinds or namespaces at a time.',
  )

const REMEDIES: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['does not exist', 'Check the path.'],
  EACCES: ['may not be read', 'Check its owner and mode.'],
  ERR_ENCODING_INVALID_ENCODED_DATA: [
    'is not UTF-8',
    'Save it as UTF-8; some shells write UTF-16.',
  ],
}

const unreadable = (file: string, error: unknown, line?: number): Fault => {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown'
  const known = Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined
  const [problem, remedy] = known ?? [`cannot be read (${code})`, 'Check the path.']
  const isEncoding = code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
  return { ...fault(file, problem, remedy), line: isEncoding ? line : undefined }
}
