import { SERVICE_TOKEN_START, SERVICE_TOKENS } from '../../core/service-token.ts'
import { type ConfigFile } from './schema.ts'
import { type TokenIssuerFile } from './token-issuer-schema.ts'
import { issuerOf, jwksUriOf, ownFiles } from './token-issuers.ts'

export type Complaint = {
  readonly path: readonly (string | number)[]
  readonly problem: string
  readonly remedy: string
}

/** Faults of token issuers that lie between two keys, or between two of them. */
export const tokenIssuerComplaints = ({ tokenIssuers }: ConfigFile): readonly Complaint[] => [
  ...tokenIssuers.flatMap((written, index) =>
    faultsOf(written).map(([key, problem, remedy]) => ({
      path: ['tokenIssuers', index, key],
      problem,
      remedy,
    })),
  ),
  ...duplicates(
    tokenIssuers.map(({ name }) => name),
    'name',
  ),
  ...duplicates(tokenIssuers.map(issuerOf), 'issuer'),
  ...prefixes(tokenIssuers),
]

type Found = readonly [key: keyof TokenIssuerFile, problem: string, remedy: string]

const faultsOf = (written: TokenIssuerFile): readonly Found[] => [
  ...reserved(written),
  ...missing(written),
  ...misplaced(written),
  ...keyFaults(written),
  ...clusterFaults(written),
]

/** What names tokens of our own may name no others. */
const reserved = ({ name, introspection }: TokenIssuerFile): readonly Found[] => [
  ...(name === SERVICE_TOKENS
    ? [['name', 'names the tokens that Vestibule makes', 'Choose another name.'] as const]
    : []),
  ...(introspection?.tokenPrefix?.startsWith(SERVICE_TOKEN_START) === true
    ? [
        [
          'introspection',
          'has a tokenPrefix with which tokens of Vestibule begin',
          'Remove it: no issuer is asked about those.',
        ] as const,
      ]
    : []),
]

const missing = (written: TokenIssuerFile): readonly Found[] => {
  const { preset, trustDomain, tenant, jwksFile, jwksUri, issuer } = written
  if (preset === 'spiffe' && trustDomain === undefined) {
    return [['trustDomain', 'is missing', 'Name the trust domain, such as prod.example.com.']]
  }
  if (preset === 'spiffe' && jwksFile === undefined && jwksUri === undefined) {
    return [['jwksFile', 'is missing', 'Name the file with the trust bundle, or set jwksUri.']]
  }
  if (preset === 'entra' && tenant === undefined && issuer === undefined) {
    return [['tenant', 'is missing', 'Write the id of the tenant.']]
  }
  return issuerOf(written) === undefined
    ? [['issuer', 'is missing', 'Write the exact `iss` of its tokens, or name a preset.']]
    : []
}

/** Keys that mean something with one preset only. */
const misplaced = (written: TokenIssuerFile): readonly Found[] => {
  const rows: readonly (readonly [
    keyof TokenIssuerFile,
    NonNullable<TokenIssuerFile['preset']>,
  ])[] = [
    ['trustDomain', 'spiffe'],
    ['tenant', 'entra'],
    ['tokenReview', 'kubernetes'],
  ]
  const alone: readonly Found[] = rows.flatMap(([key, preset]) =>
    written[key] !== undefined && written.preset !== preset
      ? [
          [
            key,
            `has no meaning without preset: ${preset}`,
            'Remove it, or name the preset.',
          ] as const,
        ]
      : [],
  )
  return written.preset === 'spiffe' && written.issuer !== undefined
    ? [...alone, ['issuer', 'has no meaning for JWT-SVIDs', 'Remove it; trustDomain says it.']]
    : alone
}

const keyFaults = (written: TokenIssuerFile): readonly Found[] => {
  const { jwksUri, jwksFile, introspection, bearerTokenFile, algorithms } = written
  const found: Found[] = []
  if (jwksUri !== undefined && jwksFile !== undefined) {
    found.push(['jwksFile', 'stands beside jwksUri', 'Keep one of the two.'])
  }
  if (introspection !== undefined) {
    const unused = { jwksUri, jwksFile, algorithms, preset: written.preset }
    for (const [key, value] of Object.entries(unused)) {
      if (value !== undefined && isKey(key, written)) {
        found.push([key, 'has no meaning beside introspection', 'Remove one of the two.'])
      }
    }
  }
  const isShown = jwksUriOf(written) !== undefined || written.tokenReview !== undefined
  if (bearerTokenFile !== undefined && !isShown) {
    found.push([
      'bearerTokenFile',
      'is shown to no address that discovery names',
      'Set jwksUri, or remove it.',
    ])
  }
  return found
}

const isKey = (key: string, written: TokenIssuerFile): key is keyof TokenIssuerFile =>
  Object.hasOwn(written, key)

const CLUSTER = /^(?:https:\/\/)?kubernetes\.default\.svc(?:\.|$)/

const clusterFaults = (written: TokenIssuerFile): readonly Found[] => {
  const { preset, audiences, tokenReview } = written
  if (preset !== 'kubernetes') return []
  const found: Found[] = []
  if (audiences.some((each) => CLUSTER.test(each) || each === issuerOf(written))) {
    found.push([
      'audiences',
      'names the API server itself, so every pod would have such a token',
      'Choose an audience of your own, such as vestibule, and project tokens for it.',
    ])
  }
  if (tokenReview !== undefined && ownFiles(written).bearerTokenFile === undefined) {
    found.push([
      'bearerTokenFile',
      'is missing',
      'A review of tokens needs a token of Vestibule for that cluster.',
    ])
  }
  return found
}

const duplicates = (
  values: readonly (string | undefined)[],
  key: 'name' | 'issuer',
): readonly Complaint[] =>
  values.flatMap((value, index) =>
    value !== undefined && values.indexOf(value) < index
      ? [
          {
            path: ['tokenIssuers', index, key],
            problem: `${value} stands twice`,
            remedy: 'Keep one entry for each issuer.',
          },
        ]
      : [],
  )

/** A token that could be of two issuers would be shown to one that did not make it. */
const prefixes = (issuers: readonly TokenIssuerFile[]): readonly Complaint[] => {
  const asked = issuers.flatMap(({ introspection }, index) =>
    introspection === undefined ? [] : [{ index, prefix: introspection.tokenPrefix ?? '' }],
  )
  return asked.flatMap(({ index, prefix }, at) =>
    asked.slice(0, at).some((other) => overlap(prefix, other.prefix))
      ? [
          {
            path: ['tokenIssuers', index, 'introspection', 'tokenPrefix'],
            problem: 'does not tell its tokens from those of another issuer',
            remedy: 'Give each issuer that is asked a prefix that no other begins with.',
          },
        ]
      : [],
  )
}

const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)
