import { createHash } from 'node:crypto'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'

export type DpopKey = {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  readonly privateJwk: JWK
  /** `cnf.jkt` of tokens that are bound to it. */
  readonly thumbprint: string
}

export const createDpopKey = async (algorithm = 'ES256', bits?: number): Promise<DpopKey> => {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, {
    extractable: true,
    ...(bits === undefined ? {} : { modulusLength: bits }),
  })
  const jwk = await exportJWK(publicKey)
  return {
    privateKey,
    jwk,
    privateJwk: await exportJWK(privateKey),
    thumbprint: await calculateJwkThumbprint(jwk),
  }
}

export type ProofChanges = {
  /** Members that are undefined are left out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /** Signs in place of the key that the header shows. */
  readonly by?: DpopKey
}

const withoutUndefined = (members: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** A proof for `GET https://app.test/x` and this token; every part of it can be replaced. */
export const proofFor = async (
  token: string,
  key: DpopKey,
  { claims = {}, header = {}, by = key }: ProofChanges = {},
): Promise<string> => {
  const payload = {
    jti: crypto.randomUUID(),
    htm: 'GET',
    htu: 'https://app.test/x',
    iat: Math.floor(Date.now() / 1000),
    ath: createHash('sha256').update(token).digest('base64url'),
    ...claims,
  }
  const { alg = 'ES256', ...rest } = { typ: 'dpop+jwt', jwk: key.jwk, ...header }
  return await new SignJWT(withoutUndefined(payload))
    .setProtectedHeader({ ...withoutUndefined(rest), alg })
    .sign(by.privateKey)
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The same proof under another header, its signature kept or made up; for what no library signs. */
export const reheaded = (proof: string, header: unknown, signature?: string): string => {
  const [, claims = '', own = ''] = proof.split('.')
  return [encoded(header), claims, signature ?? own].join('.')
}
