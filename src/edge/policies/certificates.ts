import { createHash, X509Certificate } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type CertificateFacts } from '../../core/policy/criterion.ts'

/** The same certificate comes with every request of a connection; reading it costs ten times more. */
const known = new LRUCache<string, { readonly facts: CertificateFacts | undefined }>({ max: 1000 })
const LONGEST = 16 * 1024

/** Reads a certificate as ingress-nginx forwards it in `ssl-client-cert`: PEM, URL-encoded. */
export const readCertificate = (forwarded: string): CertificateFacts | undefined => {
  if (forwarded.length > LONGEST) return undefined
  const cached = known.get(forwarded)
  if (cached !== undefined) return cached.facts
  const facts = parse(forwarded)
  known.set(forwarded, { facts })
  return facts
}

const parse = (forwarded: string): CertificateFacts | undefined => {
  try {
    const certificate = new X509Certificate(decodeURIComponent(forwarded))
    const names = (certificate.subjectAltName ?? '').split(', ')
    const ofKind = (prefix: string): readonly string[] =>
      names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
    return {
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      spkiHash: createHash('sha256').update(spki).digest('base64'),
      sanDns: ofKind('DNS:'),
      sanEmail: ofKind('email:'),
      sanUri: ofKind('URI:'),
    }
  } catch {
    return undefined
  }
}
