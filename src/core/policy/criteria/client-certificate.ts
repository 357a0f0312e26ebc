import { type CertificateFacts, type Criterion, found, type Matcher } from '../criterion.ts'
import { asList } from '../matcher.ts'

export const clientCertificate: Criterion = {
  name: 'client_certificate',
  argument: 'certificate',
  proves: 'identity',
  summary:
    'The client certificate that nginx verified: by SHA-256 fingerprint, public key hash, or a name in it. Absent unless the file says `proxySets: [ssl-client-cert]`.',
  example: '{ client_certificate: { san_email: ada@example.com } }',
  compile: (matcher, { readCertificate }) => {
    const tests = compileFields(matcher)
    return ({ request }) => {
      const forwarded = request.clientCertificate
      const certificate = forwarded === undefined ? undefined : readCertificate(forwarded)
      if (certificate === undefined) return 'absent'
      return found(tests.every((test) => test(certificate)))
    }
  },
}

type CertificateTest = (certificate: CertificateFacts) => boolean

const compileFields = (matcher: Matcher): readonly CertificateTest[] => [
  ...field(matcher.fingerprint, hexadecimal, ({ fingerprint }) => [fingerprint]),
  ...field(matcher.spki_hash, same, ({ spkiHash }) => [spkiHash]),
  ...field(matcher.san_dns, same, ({ sanDns }) => sanDns),
  ...field(matcher.san_email, same, ({ sanEmail }) => sanEmail),
  ...field(matcher.san_uri, same, ({ sanUri }) => sanUri),
]

const field = (
  wanted: string | readonly string[] | undefined,
  fold: (text: string) => string,
  have: (certificate: CertificateFacts) => readonly string[],
): readonly CertificateTest[] => {
  if (wanted === undefined) return []
  const set = new Set(asList(wanted).map(fold))
  return [(certificate) => have(certificate).some((each) => set.has(fold(each)))]
}

const same = (text: string): string => text

/** People copy fingerprints with colons and in capitals. */
const hexadecimal = (text: string): string => text.replaceAll(':', '').toLowerCase()
