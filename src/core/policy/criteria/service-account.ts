import { type Claims, claimAt } from '../../principal.ts'
import { type Criterion } from '../criterion.ts'
import { compileStringMatcher, findIn } from '../matcher.ts'

export const serviceAccount: Criterion = {
  name: 'service_account',
  argument: 'string',
  proves: 'identity',
  summary:
    'A Kubernetes service account as `namespace/name`, from the claims of its projected token.',
  example: '{ service_account: monitoring/prober }',
  compile: (matcher) => {
    const find = findIn(compileStringMatcher(matcher))
    return ({ principal }) =>
      find(principal.kind === 'anonymous' ? undefined : accountOf(principal.claims))
  },
}

/** Both places that Kubernetes writes it to have to agree (`sub` and `kubernetes.io`). */
const accountOf = (claims: Claims): string | undefined => {
  const [, namespace, name] =
    /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(textAt(claims, 'sub') ?? '') ?? []
  const owner = claimAt(claims, 'kubernetes.io')
  if (namespace === undefined || name === undefined || !isClaims(owner)) return undefined
  const agrees =
    textAt(owner, 'namespace') === namespace && textAt(owner, 'serviceaccount/name') === name
  return agrees ? `${namespace}/${name}` : undefined
}

const textAt = (claims: Claims, path: string): string | undefined => {
  const value = claimAt(claims, path)
  return typeof value === 'string' ? value : undefined
}

const isClaims = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
