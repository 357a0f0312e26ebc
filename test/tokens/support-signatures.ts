import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A key as its issuer has it, with what it publishes of it. */
export type Signer = {
  readonly kid: string
  /** Undefined where the key does not say what it is for. */
  readonly alg: string | undefined
  readonly privateKey: KeyObject
}

const rsa = (publicExponent = 0x1_00_01): KeyObject =>
  generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent }).privateKey
const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
const ed25519 = (): KeyObject => generateKeyPairSync('ed25519').privateKey

/** One of each kind; two have one name, one fits several algorithms, one has a dear exponent. */
export const SIGNERS = {
  rs: { kid: 'rs', alg: 'RS256', privateKey: rsa() },
  ps: { kid: 'ps', alg: 'PS256', privateKey: rsa() },
  any: { kid: 'any', alg: undefined, privateKey: rsa() },
  dear: { kid: 'dear', alg: 'RS256', privateKey: rsa(0xff_ff_ff_fb) },
  es: { kid: 'es', alg: 'ES256', privateKey: ec('P-256') },
  es384: { kid: 'es384', alg: 'ES384', privateKey: ec('P-384') },
  es512: { kid: 'es512', alg: undefined, privateKey: ec('P-521') },
  ed: { kid: 'ed', alg: 'EdDSA', privateKey: ed25519() },
  twin: { kid: 'twin', alg: 'ES256', privateKey: ec('P-256') },
  otherTwin: { kid: 'twin', alg: 'ES256', privateKey: ec('P-256') },
} as const satisfies Readonly<Record<string, Signer>>

/** Published by nobody. */
export const STRANGERS = [rsa(), ec('P-256'), ed25519()]

export const publicJwkOf = ({
  kid,
  alg,
  privateKey,
}: Signer): Readonly<Record<string, unknown>> => ({
  ...createPublicKey(privateKey).export({ format: 'jwk' }),
  kid,
  ...(alg === undefined ? {} : { alg }),
})

export const KEY_SET = JSON.stringify({ keys: Object.values(SIGNERS).map(publicJwkOf) })

const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}

/** Signs as the algorithm says where such a key can, and as the key can where not. */
export const signatureBy = (algorithm: string, key: KeyObject, input: string): Buffer => {
  const text = Buffer.from(input)
  const hash = `sha${/S(\d{3})$/.exec(algorithm)?.[1] ?? '256'}`
  if (key.asymmetricKeyType === 'ed25519') return sign(null, text, key)
  if (key.asymmetricKeyType === 'ec') return sign(hash, text, { key, dsaEncoding: 'ieee-p1363' })
  return sign(hash, text, { key, ...(algorithm.startsWith('PS') ? PSS : {}) })
}

export const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
