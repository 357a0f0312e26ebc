import { importJWK, type JWK } from 'jose'
import { type ClientAuth, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt } from 'openid-client'
import { z } from 'zod'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret } from '../../core/secret.ts'

export type AuthenticationMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** How Vestibule proves itself to an issuer that it asks. */
export const clientAuthentication = async (
  method: AuthenticationMethod,
  secret: Secret,
): Promise<Result<ClientAuth, string>> => {
  if (method === 'client_secret_basic') return ok(ClientSecretBasic(secret.reveal()))
  if (method === 'client_secret_post') return ok(ClientSecretPost(secret.reveal()))
  return await signingClient(secret)
}

const common = { kid: z.string().optional(), alg: z.string().optional() }
const PRIVATE_KEY = z.discriminatedUnion('kty', [
  z.looseObject({ kty: z.literal('EC'), crv: z.string(), d: z.string(), ...common }),
  z.looseObject({ kty: z.literal('RSA'), n: z.string(), d: z.string(), ...common }),
  z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), d: z.string(), ...common }),
])
const KEY_SET = z.object({ keys: z.array(PRIVATE_KEY).min(1) })

const EC_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
])

const algorithmOf = (key: z.infer<typeof PRIVATE_KEY>): string | undefined => {
  if (key.alg !== undefined) return key.alg
  if (key.kty === 'RSA') return 'RS256'
  return key.kty === 'EC' ? EC_ALGORITHMS.get(key.crv) : 'Ed25519'
}

const signingClient = async (secret: Secret): Promise<Result<ClientAuth, string>> => {
  try {
    const [first] = KEY_SET.parse(JSON.parse(secret.reveal())).keys
    if (first === undefined) return fail('holds no key')
    const { kid, alg: _alg, ...rest } = first
    const jwk: JWK = { ...rest }
    const key = await importJWK(jwk, algorithmOf(first))
    if (key instanceof Uint8Array) return fail('holds no private key')
    return ok(PrivateKeyJwt(kid === undefined ? key : { key, kid }))
  } catch {
    return fail('is no JWK Set of private keys')
  }
}
