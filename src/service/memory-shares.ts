import { constrainedMemory } from 'node:process'
import { getHeapStatistics } from 'node:v8'

const MEGABYTE = 1024 * 1024
const MOST_KEPT_BYTES = 256 * MEGABYTE
const MOST_STORED_BYTES = 256 * MEGABYTE

/**
 * What sessions read from Redis may take here, in bytes: a share of the heap, which in a container
 * is half of its memory limit. The others are read again, which costs little; a heap that is full
 * ends the process.
 */
export const keptSessionBytes = (): number =>
  Math.min(MOST_KEPT_BYTES, getHeapStatistics().heap_size_limit / 4)

/** What sessions may take whose only place is this process; they are no part of the heap. */
export const storedSessionBytes = (): number => {
  const limit = constrainedMemory()
  return limit > 0 ? Math.min(MOST_STORED_BYTES, limit / 4) : MOST_STORED_BYTES
}
