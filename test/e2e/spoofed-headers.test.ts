import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Application } from '../../demo/applications.ts'
import { get } from '../demo/raw-http.ts'
import { SESSION_COOKIE, type Site, signIn, startSite } from './support-world.ts'

jest.setTimeout(60_000)

let site: Site | undefined
let wiki: Application
let alice: string

beforeAll(async () => {
  site = await startSite()
  const found = site.applications.get('wiki')
  if (found === undefined) throw new Error('there is no application wiki')
  wiki = found
  alice = `Cookie: ${SESSION_COOKIE}=${await signIn(site, 'alice')}`
})

afterAll(async () => {
  await site?.stop()
})

beforeEach(() => {
  wiki.reset()
})

const NAMES = [
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Actor',
  'X-Vestibule-Assertion',
]

const FORGED = 'forged-by-the-client'

/** How a client may write a name that applications read as ours: CGI, WSGI and Rack fold `-._`. */
const SPELLINGS: readonly (readonly [string, (name: string) => readonly string[]])[] = [
  ['as they are', (name) => [name]],
  ['in lower case', (name) => [name.toLowerCase()]],
  ['in upper case', (name) => [name.toUpperCase()]],
  ['in odd case', (name) => [name.replace(/e/g, 'E').replace('X', 'x')]],
  ['twice', (name) => [name, name]],
  ['three times, in different cases', (name) => [name, name.toLowerCase(), name.toUpperCase()]],
  ['with underscores', (name) => [name.replaceAll('-', '_')]],
  ['with one underscore', (name) => [name.replace('-', '_')]],
  ['with a last underscore', (name) => [name.replace(/-(?=[^-]*$)/, '_')]],
  ['with dots', (name) => [name.replaceAll('-', '.')]],
  ['with dots and underscores', (name) => [name.replace('-', '.').replaceAll('-', '_')]],
  ['in every way at once', (name) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')]],
]

const linesOf = (spell: (name: string) => readonly string[]): readonly string[] =>
  NAMES.flatMap(spell).map((name) => `${name}: ${FORGED}`)

/** What an application may take for our identity headers, by folded name. */
const seenBy = (application: Application): readonly (readonly [string, string])[] => {
  const { rawHeaders = [] } = application.lastRequest() ?? {}
  const ours = new Set(NAMES.map((name) => name.toLowerCase()))
  return rawHeaders.flatMap((name, index): readonly (readonly [string, string])[] => {
    const folded = name.toLowerCase().replaceAll(/[._]/g, '-')
    return index % 2 === 0 && ours.has(folded) ? [[folded, rawHeaders[index + 1] ?? '']] : []
  })
}

const theSite = (): Site => {
  if (site === undefined) throw new Error('the site has not started')
  return site
}

const ask = async (path: string, lines: readonly string[]): Promise<number> =>
  (await get(theSite().ports.nginx, 'wiki.vestibule.localhost', path, lines)).status

const ITS_HEADERS = [
  ['x-auth-request-user', 'alice'],
  ['x-auth-request-email', 'alice@example.com'],
  ['x-auth-request-preferred-username', 'alice'],
  ['x-auth-request-actor', 'human'],
  ['x-vestibule-assertion', expect.stringMatching(/^ey/)],
]

describe.each([
  ['the controller drops names with underscores', false],
  ['the controller passes names with underscores', true],
])('forged identity headers, where %s', (_name, underscoresInHeaders) => {
  beforeAll(async () => {
    await site?.controller.reload({ underscoresInHeaders })
  })

  /** nginx drops names with dots anyway, and overwrites those that are spelled as ours. */
  const statusFor = (spell: (name: string) => readonly string[]): number =>
    underscoresInHeaders && spell('X-Y-Z').some((name) => /^[^.]*_[^.]*$/.test(name)) ? 403 : 200

  test.each(SPELLINGS)('written %s: nobody signed in stays nobody', async (_spelling, spell) => {
    const status = await ask('/public/welcome', linesOf(spell))
    expect([status, seenBy(wiki)]).toEqual([statusFor(spell), []])
  })

  test.each(SPELLINGS)('written %s: Alice stays Alice', async (_spelling, spell) => {
    const status = await ask('/page', [alice, ...linesOf(spell)])
    const seen = statusFor(spell) === 200 ? ITS_HEADERS : []
    expect([status, seenBy(wiki)]).toEqual([statusFor(spell), seen])
  })

  test('other names of the client reach the application as ever', async () => {
    expect(await ask('/page', [alice, 'X_Custom: mine', 'X-Custom: mine'])).toBe(200)
    expect(wiki.received('x-custom')).toEqual(['mine'])
  })
})

describe('somebody who is at home on one host', () => {
  const grafana = 'grafana.vestibule.localhost'

  test.each([
    ['another Host header', `http://${grafana}/admin`, 'wiki.vestibule.localhost'],
    ['user information in the Host header', '/admin', `${grafana}:80@wiki.vestibule.localhost`],
    ['a fragment in the Host header', '/admin', `${grafana}:1#`],
  ])('does not get into another one by %s', async (_name, target, host) => {
    const bob = `Cookie: ${SESSION_COOKIE}=${await signIn(theSite(), 'bob')}`
    theSite().applications.get('grafana')?.reset()
    const { status } = await get(theSite().ports.nginx, host, target, [bob])
    expect([status, theSite().applications.get('grafana')?.hits()]).toEqual([403, 0])
  })
})
