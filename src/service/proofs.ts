import { isHttp } from '../edge/config/cross-checks.ts'
import { readCertificate } from '../edge/policies/certificates.ts'
import { type KeyRing, type RingKey, recordKey } from '../edge/sessions/key-ring.ts'
import { createDpopNonces, type DpopNonces, type NonceSecrets } from '../edge/tokens/dpop-nonce.ts'
import { createDpopVerifier } from '../edge/tokens/dpop-proof.ts'
import { createReplayMemory } from '../edge/tokens/replay-memory.ts'
import { type VerifyPorts } from '../flow/ports.ts'
import { now, nowMs, type Parts } from './parts.ts'

/** What shows that the sender of a token is the one to whom it was given. */
export const createProofs = (
  { config, records }: Parts,
  nonces: DpopNonces | undefined,
): Pick<VerifyPorts, 'verifyProof' | 'certificateThumbprint'> => {
  const claim =
    config.session.store === 'memory'
      ? createReplayMemory(nowMs).claim
      : (name: string, ttlMs: number) => records.claim(name, 'used', ttlMs)
  return {
    verifyProof: createDpopVerifier({
      scheme: isHttp(config) ? 'http' : 'https',
      windowSeconds: config.dpop.window / 1000,
      isNonce: nonces?.isNonce,
      claim,
      now,
    }),
    certificateThumbprint: (forwarded) => {
      const fingerprint = readCertificate(forwarded)?.fingerprint
      return fingerprint === undefined
        ? undefined
        : Buffer.from(fingerprint, 'hex').toString('base64url')
    },
  }
}

/** Undefined where no nonce is asked for. All replicas that share the key ring make the same. */
export const createNonces = ({ config, ring }: Parts): DpopNonces | undefined =>
  config.dpop.nonce ? createDpopNonces(() => secretsOf(ring()), nowMs) : undefined

const secretsOf = ([newest, ...older]: KeyRing): NonceSecrets => [
  nonceSecret(newest),
  ...older.map(nonceSecret),
]

const nonceSecret = (key: RingKey): Buffer => recordKey(key, '', 'dpop nonce')
