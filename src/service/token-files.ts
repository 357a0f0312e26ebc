import { type Fault } from '../core/fault.ts'
import { type Config } from '../edge/config/config.ts'
import { type TokenIssuerConfig } from '../edge/config/token-issuers.ts'
import { readText } from '../edge/files/yaml-file.ts'
import { clientAuthentication } from '../edge/tokens/client-authentication.ts'
import { parsePublicKeys } from '../edge/tokens/public-keys.ts'

/** Faults in the files that entries of `tokenIssuers` name; they are read again while serving. */
export const tokenFileFaults = async ({ tokenIssuers }: Config): Promise<readonly Fault[]> =>
  (await Promise.all(tokenIssuers.map(faultsOf))).flat()

const faultsOf = async (each: TokenIssuerConfig, index: number): Promise<readonly Fault[]> => {
  const { jwksFile, caFile, bearerTokenFile } = each
  const found = await Promise.all([
    faultOf(jwksFile, 'jwksFile', (text) => keysProblem(text, each)),
    faultOf(caFile, 'caFile', (text) =>
      text.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'holds no PEM certificate',
    ),
    faultOf(bearerTokenFile, 'bearerTokenFile', (text) =>
      /^\s*\S+\s*$/.test(text) ? undefined : 'holds no token',
    ),
    clientFault(each),
  ])
  return found.flatMap((fault) =>
    fault === undefined ? [] : { ...fault, key: `tokenIssuers[${index}].${fault.key}` },
  )
}

const faultOf = async (
  path: string | undefined,
  key: string,
  problemOf: (text: string) => string | undefined,
): Promise<Fault | undefined> => {
  if (path === undefined) return undefined
  const read = await readText(path)
  const problem = read.ok ? problemOf(read.value) : read.failure.problem
  if (problem === undefined) return undefined
  const remedy = read.ok ? 'Mount the right file.' : read.failure.remedy
  return { file: path, line: undefined, column: undefined, key, problem, remedy }
}

const keysProblem = (text: string, { isSvid }: TokenIssuerConfig): string | undefined => {
  try {
    const { keys } = parsePublicKeys(JSON.parse(text), isSvid ? 'jwt-svid' : 'sig')
    return keys.length === 0 ? 'holds no public key that can be used' : undefined
  } catch {
    return 'is no JWK Set'
  }
}

const clientFault = async ({ introspection }: TokenIssuerConfig): Promise<Fault | undefined> => {
  if (introspection?.secret === undefined) return undefined
  const made = await clientAuthentication(introspection.authentication, introspection.secret)
  if (made.ok) return undefined
  return {
    file: introspection.clientKeyFile ?? 'the environment',
    line: undefined,
    column: undefined,
    key: 'introspection.clientKeyFile',
    problem: made.failure,
    remedy: 'Write a JWK Set of private keys; `vestibule keys generate assertion` makes one.',
  }
}
