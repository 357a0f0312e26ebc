import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'

export type TokenKey = {
  readonly algorithm: 'RS256' | 'ES256'
  readonly kid: string
  readonly privateKey: KeyObject
}

export const tokenKey = (algorithm: TokenKey['algorithm'], kid: string): TokenKey => ({
  algorithm,
  kid,
  privateKey: (algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  ).privateKey,
})

export const publicJwk = ({
  algorithm,
  kid,
  privateKey,
}: TokenKey): Readonly<Record<string, unknown>> => ({
  ...createPublicKey(privateKey).export({ format: 'jwk' }),
  alg: algorithm,
  kid,
  use: 'sig',
})

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const inputOf = (header: object, issuer: string, subject: string): string => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, sub: subject, aud: 'vestibule', iat: now, exp: now + 3600 }
  return `${encode({ typ: 'JWT', ...header })}.${encode({ ...claims, groups: ['sre', 'ci'] })}`
}

/** A good token; another one for each subject. */
export const goodToken = (key: TokenKey, issuer: string, subject: string): string => {
  const input = inputOf({ alg: key.algorithm, kid: key.kid }, issuer, subject)
  const { privateKey } = key
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

/** What attackers send, by name; each call gives another one. */
export const hostileTokens = (
  key: TokenKey,
  issuer: string,
): Readonly<Record<string, () => string>> => {
  let count = 0
  const subject = (): string => {
    count += 1
    return `attacker-${count}`
  }
  const signature = (): string => randomBytes(64).toString('base64url')
  const { algorithm: alg, kid } = key
  const publicKey = createPublicKey(key.privateKey).export({ format: 'pem', type: 'spki' })
  const stranger = tokenKey('ES256', kid)
  return {
    garbage: () => randomBytes(48).toString('base64url'),
    'wrong signature': () => `${inputOf({ alg, kid }, issuer, subject())}.${signature()}`,
    'unknown kid': () =>
      `${inputOf({ alg, kid: randomBytes(6).toString('hex') }, issuer, subject())}.${signature()}`,
    'unknown issuer': () => goodToken(stranger, 'https://evil.test', subject()),
    'alg none': () => `${inputOf({ alg: 'none' }, issuer, subject())}.`,
    'HS256 by the public key': () => {
      const input = inputOf({ alg: 'HS256', kid }, issuer, subject())
      const mac = createHmac('sha256', publicKey).update(input).digest('base64url')
      return `${input}.${mac}`
    },
    '7 kB': () => `${inputOf({ alg, kid }, issuer, subject() + 'x'.repeat(5000))}.${signature()}`,
    'mistyped own token': () =>
      `vst_${'a'.repeat(16)}_${randomBytes(36).toString('hex').slice(0, 49)}`,
  }
}
