import { claimAt } from '../../principal.ts'
import { type Criterion } from '../criterion.ts'
import { compileStringMatcher } from '../matcher.ts'

export const claim: Criterion = {
  name: 'claim/',
  argument: 'claim',
  proves: 'identity',
  summary:
    'A claim by its path, such as `claim/realm_access/roles`. Of a list, one member has to match; numbers and booleans are compared as text.',
  example: '{ claim/department: { in: [finance, audit] } }',
  compile: (matcher, _context, path) => {
    const matches = compileStringMatcher(matcher)
    return ({ principal }) => {
      if (principal.kind === 'anonymous') return 'absent'
      const texts = textsOf(claimAt(principal.claims, path))
      if (texts === undefined) return 'absent'
      return texts.some(matches) ? 'holds' : 'fails'
    }
  },
}

const textsOf = (value: unknown): readonly string[] | undefined => {
  if (Array.isArray(value)) return value.flatMap((item) => textOf(item) ?? [])
  const text = textOf(value)
  return text === undefined ? undefined : [text]
}

const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
