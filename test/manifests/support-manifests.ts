import { Readable } from 'node:stream'
import { type Fault } from '../../src/core/fault.ts'
import { type ManifestRead, readManifests } from '../../src/edge/manifests/read-manifests.ts'

/** What a command sees on standard input; in parts of so many bytes. */
export const readText = async (
  text: string | Uint8Array,
  part = 1 << 16,
): Promise<ManifestRead> => {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const parts = Array.from({ length: Math.ceil(bytes.length / part) }, (_each, index) =>
    bytes.subarray(index * part, (index + 1) * part),
  )
  return await readManifests(['-'], Readable.from(parts))
}

/** `12: spec.rules: what is wrong` */
export const shortFault = ({ line, key, problem }: Fault): string =>
  [line ?? '-', ...(key === '' ? [] : [key]), problem].join(': ')

export const shortFaults = ({ faults }: ManifestRead): readonly string[] => faults.map(shortFault)
