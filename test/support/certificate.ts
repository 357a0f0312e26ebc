import { createHash, X509Certificate } from 'node:crypto'
import { createCertificate } from '../../demo/certificate.ts'

/** A certificate as ingress-nginx forwards it, with what a rule may ask about it. */
export const createTestCertificate = (
  host: string,
): { readonly forwarded: string; readonly fingerprint: string; readonly spki: string } => {
  const made = createCertificate([host])
  try {
    const parsed = new X509Certificate(made.certificate)
    const spki = parsed.publicKey.export({ type: 'spki', format: 'der' })
    return {
      forwarded: encodeURIComponent(made.certificate),
      fingerprint: parsed.fingerprint256,
      spki: createHash('sha256').update(spki).digest('base64'),
    }
  } finally {
    made.remove()
  }
}
