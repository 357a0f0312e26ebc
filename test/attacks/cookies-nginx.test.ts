import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { sessionIdOf } from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'
import {
  expectClosed,
  expectPassed,
  type Proxied,
  request,
  startProxied,
} from './support-requests-proxy.ts'

let proxied: Proxied

beforeAll(async () => {
  proxied = await startProxied()
})
afterAll(() => proxied.stop())

const NAME = '__Secure-vestibule'
const id = (who: 'alice' | 'bob'): string => sessionIdOf(proxied.world.cookies[who])

const ask = (lines: readonly string[], path = '/x'): string => request(path, 'app.test', lines)

describe('cookies through nginx', () => {
  test.each([
    ['K1', 'two of the name', () => [`Cookie: ${NAME}=${id('alice')}; ${NAME}=${id('bob')}`]],
    ['K1', 'the same twice', () => [`Cookie: ${NAME}=${id('alice')}; ${NAME}=${id('alice')}`]],
    ['H36', 'two lines', () => [`Cookie: ${NAME}=${id('alice')}`, `Cookie: ${NAME}=${id('bob')}`]],
    [
      'K37',
      'one that a sibling host planted',
      () => [`Cookie: ${NAME}=${'A'.repeat(43)}; a=1; ${NAME}=${id('alice')}`],
    ],
    ['K3', 'another case of the name', () => [`Cookie: ${NAME.toUpperCase()}=${id('alice')}`]],
    ['K4', 'an empty name', () => [`Cookie: =${NAME}=${id('alice')}`]],
    ['K6', 'the old $Version', () => [`Cookie: $Version=1,${NAME}="${id('alice')}"; $Path=/`]],
    ['K7', 'quotes', () => [`Cookie: ${NAME}="${id('alice')}"`]],
    ['K8', 'a comma', () => [`Cookie: a=1,${NAME}=${id('alice')}`]],
    ['K9', 'an encoded letter', () => [`Cookie: ${NAME}=%41${id('alice').slice(1)}`]],
    [
      'K31',
      'a bad bearer beside it',
      () => [`Cookie: ${NAME}=${id('alice')}`, 'Authorization: Bearer x'],
    ],
  ])('%s %s is no session: 401, and 200 where the path is public', async (_row, _what, lines) => {
    await expectClosed(proxied, ask(lines()), 401)
    if (_row !== 'K31') await expectPassed(proxied, ask(lines(), '/status'), 'web', 'nobody')
  })

  test.each([
    ['K7', 'blanks', () => [`Cookie: a=1 ;\t${NAME} =\t${id('alice')} `]],
    ['K24', 'many others', () => [`Cookie: ${'a=b; '.repeat(500)}${NAME}=${id('alice')}`]],
    ['K27', 'a prototype', () => [`Cookie: __proto__=1; constructor=2; ${NAME}=${id('alice')}`]],
    [
      'K33',
      'Basic beside it',
      () => [`Cookie: ${NAME}=${id('alice')}`, 'Authorization: Basic eDp5'],
    ],
    ['K33', 'an empty Authorization', () => [`Cookie: ${NAME}=${id('alice')}`, 'Authorization:']],
    ['H36', 'a second line without it', () => [`Cookie: ${NAME}=${id('alice')}`, 'Cookie: a=1']],
  ])('%s %s leaves the session as it is', async (_row, _what, lines) => {
    await expectPassed(proxied, ask(lines()), 'web', 'alice')
    await expectPassed(proxied, ask(lines(), '/status'), 'web', 'alice')
  })

  // nginx takes 8 KB a line, and adds the URL three times to what it asks.
  test('E16 long cookies and a long path get a verdict, not a 500', async () => {
    const path = `/${'p'.repeat(6000)}`
    const bomb = [3500, 3500].map((size, index) => `Cookie: bomb${index}=${'x'.repeat(size)}`)
    await expectPassed(
      proxied,
      ask([...bomb, `Cookie: ${NAME}=${id('alice')}`], path),
      'web',
      'alice',
    )
    await expectClosed(proxied, ask(bomb, path), 401)
  })

  test('K1 neither session was harmed', async () => {
    for (const who of ['alice', 'bob'] as const) {
      await expectPassed(proxied, ask([`Cookie: ${NAME}=${id(who)}`]), 'web', who)
    }
  })
})

describe('a host that takes cookies only', () => {
  test('K31 leaves Authorization to its application', async () => {
    const bearer = 'Authorization: Bearer glsa_of_grafana'
    const lines = [`Cookie: ${NAME}=${id('alice')}`, bearer]
    await expectPassed(proxied, request('/x', 'grafana.test', lines), 'web', 'alice')
    await expectClosed(proxied, request('/x', 'grafana.test', [bearer]), 401)
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(proxied.world)
})
