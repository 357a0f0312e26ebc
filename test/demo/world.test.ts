import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { ask } from '../../demo/http-client.ts'
import { startWorld, type World, type WorldSettings } from '../../demo/world.ts'

const ANY = { nginx: 0, identityProvider: 0, verify: 0, public: 0, ops: 0 }
const FAKE = join(import.meta.dirname, 'fake-vestibule.ts')

let world: World | undefined

const start = async (settings: WorldSettings = {}): Promise<World> => {
  world = await startWorld({ ports: ANY, entry: FAKE, ...settings })
  return world
}

afterEach(async () => {
  await world?.stop()
  world = undefined
})

describe('the world of the demonstration', () => {
  test('leads through nginx to Vestibule and the applications', async () => {
    const decisions: string[] = []
    const { url, identityProvider, applications } = await start({
      onDecision: (line) => decisions.push(line),
    })
    const anonymous = await ask(url('grafana', '/d?x=1'))
    expect([anonymous.status, anonymous.location]).toEqual([
      302,
      `${url('auth', '/oauth2/start')}?rd=${url('grafana', '')}%2Fd%3Fx%3D1`,
    ])
    expect((await ask(url('api', '/v1/orders'))).status).toBe(401)
    const authorization = `Bearer ${await identityProvider.workloadToken()}`
    const reply = await ask(url('api', '/v1/orders'), {
      headers: { authorization, accept: 'application/json', 'x-auth-request-user': 'root' },
    })
    expect(JSON.parse(reply.body)).toMatchObject({
      application: 'api',
      identity: { 'x-auth-request-user': 'ci/ci' },
    })
    expect(applications.get('api')?.hits()).toBe(1)
    expect((await ask(url('auth', '/oauth2/start'))).body).toBe('public')
    expect(decisions).toHaveLength(3)
  })

  test('keeps sessions in a Redis of its own when told so', async () => {
    const { store } = await start({ store: 'start' })
    expect(store).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/)
  })

  test('leaves neither process nor folder behind', async () => {
    const { controller, vestibule, url, stop } = await start()
    await stop()
    expect([existsSync(controller.prefix), existsSync(vestibule.configFile)]).toEqual([
      false,
      false,
    ])
    expect([controller.child.hasEnded(), vestibule.child.hasEnded()]).toEqual([true, true])
    await expect(ask(url('auth'))).rejects.toThrow('ECONNREFUSED')
  })

  test('names the child that ended by itself, with its last words', async () => {
    const { vestibule, casualty } = await start()
    vestibule.child.signal('SIGKILL')
    const ended = await casualty
    expect([ended.name, await ended.ended]).toEqual(['vestibule', 'was ended by SIGKILL'])
    expect(ended.lastLines()).toContain('fake-vestibule is listening')
  })

  test('does not start without Vestibule, and says why', async () => {
    await expect(start({ entry: '/nonexistent/main.ts' })).rejects.toThrow(
      /vestibule ended with exit code 1[^]*Cannot find module/,
    )
  })
})
