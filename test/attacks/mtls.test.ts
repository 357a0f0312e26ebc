import { createHash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { createTestCertificate } from '../support/certificate.ts'
import { type VerifyRequest } from '../support/verify-request.ts'
import { createDpopKey, proofFor } from './support-dpop.ts'
import { expectOutcome, startWorld, type World } from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'

const ALLOWED = '200 rule_matched'
const UNBOUND = '401 binding_not_proven'

let world: World
let token: string
/** As nginx sets them where it has verified the client's certificate. */
let certificate: readonly string[]
let foreign: readonly string[]

const thumbprintOf = (forwarded: string): string =>
  createHash('sha256')
    .update(new X509Certificate(decodeURIComponent(forwarded)).raw)
    .digest('base64url')

const headersOf = (forwarded: string, verdict = 'SUCCESS'): readonly string[] => [
  `ssl-client-verify: ${verdict}`,
  `ssl-client-cert: ${forwarded}`,
]

beforeAll(async () => {
  world = await startWorld()
  const [own, other] = [createTestCertificate('robot.test'), createTestCertificate('evil.test')]
  certificate = headersOf(own.forwarded)
  foreign = headersOf(other.forwarded)
  token = await world.token({
    sub: 'robot',
    cnf: { 'x5t#S256': thumbprintOf(own.forwarded) },
  })
})
afterAll(() => world.stop())

const at = (host: string, lines: readonly string[] = []): VerifyRequest => ({
  host,
  url: `https://${host}/x`,
  authorization: `Bearer ${token}`,
  lines,
})

describe('a token that is bound to a certificate', () => {
  test('passes with that certificate, where the policy says that nginx sets it', async () => {
    await expectOutcome(world, at('mtls.test', certificate), ALLOWED)
    await expectOutcome(world, at('bound.test', certificate), ALLOWED)
  })

  test('T29 without any certificate, or with that of somebody else', async () => {
    await expectOutcome(world, at('mtls.test'), UNBOUND)
    await expectOutcome(world, at('mtls.test', foreign), UNBOUND)
  })

  test('D10 where nginx does not set the header, the right certificate is a lie', async () => {
    await expectOutcome(world, at('app.test', certificate), UNBOUND)
    await expectOutcome(world, at('dpop-only.test', certificate), UNBOUND)
  })

  test.each(['FAILED:self-signed certificate', 'NONE', '', 'success', 'SUCCESS '])(
    'D10 a certificate that nginx did not find good (%j)',
    async (verdict) => {
      const lines = certificate.map((line) =>
        line.startsWith('ssl-client-verify') ? `ssl-client-verify: ${verdict}` : line,
      )
      // Blanks at the end of a header are no part of it.
      const outcome = verdict === 'SUCCESS ' ? ALLOWED : UNBOUND
      await expectOutcome(world, at('mtls.test', lines), outcome)
    },
  )

  test('D10 two certificates, the right one first or last', async () => {
    const [, own = ''] = certificate
    const [, other = ''] = foreign
    for (const lines of [
      ['ssl-client-verify: SUCCESS', own, other],
      ['ssl-client-verify: SUCCESS', other, own],
    ]) {
      await expectOutcome(world, at('mtls.test', lines), '403 duplicate_header')
    }
  })

  test.each(['x', '%', '%00', '-----BEGIN CERTIFICATE-----', 'A'.repeat(20_000)])(
    'D10 a header that is no certificate (%.20s)',
    async (text) => {
      await expectOutcome(world, at('mtls.test', headersOf(text)), UNBOUND)
    },
  )

  test('may be bound to a key as well, and both have to be shown', async () => {
    const key = await createDpopKey()
    const both = await world.token({
      sub: 'robot',
      cnf: {
        'x5t#S256': thumbprintOf(certificate[1]?.split(': ')[1] ?? ''),
        jkt: key.thumbprint,
      },
    })
    const withProof = async (lines: readonly string[]): Promise<VerifyRequest> => {
      const proof = await proofFor(both, key, { claims: { htu: 'https://mtls.test/x' } })
      return {
        ...at('mtls.test', [...lines, `DPoP: ${proof}`]),
        authorization: `DPoP ${both}`,
      }
    }
    await expectOutcome(world, await withProof(certificate), ALLOWED)
    await expectOutcome(world, await withProof([]), UNBOUND)
    await expectOutcome(
      world,
      { ...at('mtls.test', certificate), authorization: `Bearer ${both}` },
      UNBOUND,
    )
  })

  test('is no token for the scheme DPoP', async () => {
    const key = await createDpopKey()
    const proof = await proofFor(token, key, { claims: { htu: 'https://mtls.test/x' } })
    await expectOutcome(
      world,
      { ...at('mtls.test', [...certificate, `DPoP: ${proof}`]), authorization: `DPoP ${token}` },
      UNBOUND,
    )
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(world)
})
