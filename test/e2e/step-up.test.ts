import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Browser, createBrowser } from '../../demo/browser.ts'
import { ask } from '../../demo/http-client.ts'
import { createDpopKey, proofFor } from '../attacks/support-dpop.ts'
import { ingressYaml } from './support-ingress.ts'
import { type Site, startSite, until } from './support-world.ts'

jest.setTimeout(60_000)

const policy = (name: string, require: string): string => `
hosts: [${name}.vestibule.localhost]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
    require: ${require}
  - allow: { and: [ { actor: workload } ] }
`

let site: Site | undefined

const theSite = (): Site => {
  if (site === undefined) throw new Error('the site has not started')
  return site
}

/** A host before which people are sent to sign in, with a page behind each 403. */
const hostYaml = (name: string): string =>
  ingressYaml(name, 'api', {
    'auth-signin': 'http://auth.vestibule.localhost:8000/oauth2/start',
    'custom-http-errors': '403',
    'default-backend': 'vestibule-public',
  })

beforeAll(async () => {
  site = await startSite({
    ingresses: {
      'vault.yaml': hostYaml('vault'),
      'bunker.yaml': hostYaml('bunker'),
      'machines.yaml': ingressYaml('machines', 'api'),
    },
    policies: {
      'vault.yaml': policy('vault', '{ acr: [mfa] }'),
      'bunker.yaml': policy('bunker', '{ acr: [retina] }'),
      'machines.yaml': policy('machines', '{ acr: [mfa] }').replace(
        'policy:',
        'require: { senderConstrained: [dpop] }\npolicy:',
      ),
    },
  })
})
afterAll(async () => {
  await site?.stop()
})

const signedIn = async (): Promise<Browser> => {
  const browser = createBrowser()
  const page = await browser.open(theSite().url('wiki'))
  await browser.open(page.url, { form: { person: 'alice' } })
  return browser
}

describe('a page that asks for more than an ordinary sign-in', () => {
  test('sends somebody who is signed in to the provider once more, and then lets her in there', async () => {
    const browser = await signedIn()
    const target = theSite().url('vault', '/a/page?of=mine')
    const asked = await browser.open(target)
    expect(asked.url).toContain('/interaction/')
    expect(asked.body).toContain('mfa')
    const landed = await browser.open(asked.url, { form: { person: 'alice' } })
    expect([landed.status, landed.url]).toEqual([200, target])
    expect((await browser.open(theSite().url('vault', '/again'))).status).toBe(200)
  })

  test('that the provider cannot meet is a 403 that explains itself, not a loop', async () => {
    const browser = await signedIn()
    const end = await browser.open(theSite().url('bunker', '/x'))
    expect([end.status, end.url]).toEqual([403, theSite().url('bunker', '/x')])
    expect(end.body).toContain('You may not open this page')
    const isWritten = (): boolean =>
      theSite().lines.some(
        (line) => line.includes('"bunker.') && line.includes('"proof_not_delivered"'),
      )
    await until(isWritten, 'the decision that says why')
  })
})

describe('a program with a token that is bound to its key', () => {
  test('passes nginx with a proof for the method and URL that it asked for', async () => {
    const key = await createDpopKey()
    const token = await theSite().identityProvider.issueToken({
      sub: 'ci',
      aud: 'vestibule',
      cnf: { jkt: key.thumbprint },
    })
    const url = theSite().url('machines', '/orders')
    const send = async (htm: string, scheme = 'DPoP'): Promise<number> => {
      const proof = await proofFor(token, key, { claims: { htm, htu: url } })
      const headers = { authorization: `${scheme} ${token}`, dpop: proof }
      return (await ask(`${url}?page=2`, { method: 'POST', headers })).status
    }
    expect([await send('POST'), await send('GET'), await send('POST', 'Bearer')]).toEqual([
      200, 401, 401,
    ])
    const plain = await theSite().identityProvider.workloadToken()
    const refused = await ask(url, { headers: { authorization: `Bearer ${plain}` } })
    expect(refused.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/)
  })
})
