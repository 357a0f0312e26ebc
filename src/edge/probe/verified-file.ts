import { z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Verified } from '../../migrate/report/blockers.ts'
import { readText } from '../files/yaml-file.ts'

/** As much of what `migrate verify --json` prints as a report needs. */
const VERIFIED = z.object({
  at: z.iso.datetime(),
  checks: z.array(z.object({ host: z.string(), ok: z.boolean() })),
  notChecked: z.array(z.object({ host: z.string() })),
})

/** What was verified, by host. */
export const readVerified = async (
  path: string,
): Promise<Result<ReadonlyMap<string, Verified>, readonly Fault[]>> => {
  const read = await readText(path)
  if (!read.ok) return fail([{ ...NOWHERE, file: path, ...read.failure }])
  const parsed = VERIFIED.safeParse(jsonOf(read.value))
  if (!parsed.success) {
    return fail([
      {
        ...NOWHERE,
        file: path,
        problem: 'is not what vestibule migrate verify --json prints',
        remedy: 'Write it anew: vestibule migrate verify … --json > FILE.',
      },
    ])
  }
  const { at, checks, notChecked } = parsed.data
  const byHost = Map.groupBy(checks, ({ host }) => host)
  return ok(
    new Map(
      [...byHost].map(([host, own]) => [
        host,
        {
          isFine: own.every((each) => each.ok),
          isComplete: !notChecked.some((each) => each.host === host),
          at: Date.parse(at) / 1000,
        },
      ]),
    ),
  )
}

const NOWHERE = { line: undefined, column: undefined, key: '' }

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
