import { z } from 'zod'

/** Where a worker finds what it inherits; 0 to 2 are the standard streams, 3 carries messages. */
export const descriptorsOf = (
  doors: number,
): Readonly<Record<'verify' | 'public', readonly number[]>> => ({
  public: [4],
  verify: Array.from({ length: doors }, (_door, index) => 5 + index),
})

const START = z.object({
  kind: z.literal('start'),
  number: z.int(),
  /** The configuration as the primary read it: the file may have changed since. */
  configFile: z.string(),
  configText: z.string(),
  /** Keys made up at start, which all workers have to share. */
  madeUpKeys: z.string().optional(),
})

const WANTS = z.enum(['a sign', 'health', 'metrics'])
const ASK = z.object({ kind: z.literal('ask'), id: z.int(), wants: WANTS })
const DRAIN = z.object({ kind: z.literal('drain') })

/** What the primary tells a worker. */
export const TO_WORKER = z.discriminatedUnion('kind', [START, ASK, DRAIN])
export type ToWorker = z.infer<typeof TO_WORKER>
export type StartOrder = z.infer<typeof START>
export type Wants = z.infer<typeof WANTS>

const WORD = z.object({
  policyVersion: z.string(),
  /** Names of checks of readiness that fail. */
  failing: z.array(z.string()).optional(),
  metrics: z.array(z.looseObject({ name: z.string(), type: z.unknown() })).optional(),
})

/** What a worker says of itself. */
export type Word = Readonly<z.infer<typeof WORD>>

/** What a worker tells the primary; its last word comes without being asked. */
export const TO_PRIMARY = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  /** What it should start from has a fault, which it has written down. */
  z.object({ kind: z.literal('refused') }),
  z.object({ kind: z.literal('answer'), id: z.int(), word: WORD }),
  z.object({ kind: z.literal('last word'), word: WORD }),
])
export type ToPrimary = z.infer<typeof TO_PRIMARY>
