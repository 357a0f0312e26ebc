import { z } from 'zod'
import { toJson } from './decision-line.ts'

const text = z.string().optional()

/** What in a decision line is as long as somebody else made it. */
const LONG = z.looseObject({
  path: text,
  rule: text,
  policyOwner: text,
  would: z.looseObject({ rule: text }).optional(),
  principal: z.looseObject({
    subject: text,
    issuer: text,
    onBehalfOf: text,
    email: text,
    groups: z.array(z.string()).nullable().optional(),
    groupsCut: z.number().optional(),
  }),
})

const LONGEST_BYTES = 160

/** A decision line of at most so many bytes: texts that are too long end with `…`, groups go. */
export const shortLine = (line: string, mostBytes: number): string => {
  // A character takes at most three bytes.
  if (line.length * 3 <= mostBytes || Buffer.byteLength(line) <= mostBytes) return line
  const { principal, would, ...said } = LONG.parse(JSON.parse(line))
  const { groups, groupsCut = 0, ...who } = principal
  const cut = (groups?.length ?? 0) + groupsCut
  return toJson({
    ...said,
    ...shortTexts(said, ['path', 'rule', 'policyOwner']),
    ...(would === undefined ? {} : { would: { ...would, ...shortTexts(would, ['rule']) } }),
    principal: {
      ...who,
      ...shortTexts(who, ['subject', 'issuer', 'onBehalfOf', 'email']),
      ...(groups === null ? { groups } : { groups: [] }),
      ...(cut === 0 ? {} : { groupsCut: cut }),
    },
  })
}

const shortTexts = <Name extends string>(
  from: { readonly [name in Name]?: string | undefined },
  names: readonly Name[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const written = from[name]
      return written === undefined ? [] : [[name, short(written)]]
    }),
  )

const short = (written: string): string => {
  let kept = written
  while (Buffer.byteLength(toJson(kept)) > LONGEST_BYTES) {
    kept = `${kept.slice(0, kept.length / 2)}…`
  }
  return kept
}
