import { createBrowser } from './browser.ts'
import { ask } from './http-client.ts'
import type { World } from './world.ts'

export type CheckResult = { readonly name: string; readonly fault: string | undefined }

type Check = readonly [name: string, run: (world: World) => Promise<string | undefined>]

const expectStatus = (wanted: number, found: number): string | undefined =>
  wanted === found ? undefined : `expected ${wanted}, got ${found}`

const CHECKS: readonly Check[] = [
  [
    'an anonymous request is sent to sign in',
    async (world) => {
      const { status, location = '' } = await ask(world.url('grafana', '/d/1'))
      const wanted = world.url('auth', '/oauth2/start?rd=')
      return expectStatus(302, status) ?? (location.startsWith(wanted) ? undefined : location)
    },
  ],
  [
    'the pipeline passes with its bearer token',
    async (world) => {
      const authorization = `Bearer ${await world.identityProvider.workloadToken()}`
      const { status } = await ask(world.url('api', '/v1/orders'), { headers: { authorization } })
      return expectStatus(200, status)
    },
  ],
  [
    'a program without a token gets 401',
    async (world) => expectStatus(401, (await ask(world.url('api', '/v1/orders'))).status),
  ],
  [
    'Alice signs in with one click and reaches the administration of Grafana',
    async (world) => {
      const browser = createBrowser()
      const page = await browser.open(world.url('grafana', '/admin'))
      const visit = await browser.open(page.url, { form: { person: 'alice' } })
      const reached = visit.url === world.url('grafana', '/admin')
      return expectStatus(200, visit.status) ?? (reached ? undefined : `ended at ${visit.url}`)
    },
  ],
  [
    'Bob is known, and refused there',
    async (world) => {
      const browser = createBrowser()
      const page = await browser.open(world.url('grafana', '/admin'))
      const visit = await browser.open(page.url, { form: { person: 'bob' } })
      return expectStatus(403, visit.status)
    },
  ],
]

const runCheck = async ([name, run]: Check, world: World): Promise<CheckResult> => {
  try {
    return { name, fault: await run(world) }
  } catch (error) {
    return { name, fault: error instanceof Error ? error.message : String(error) }
  }
}

/** Goes through nginx as callers do, and says what did not turn out as it should. */
export const selfCheck = async (world: World): Promise<readonly CheckResult[]> => {
  const results: CheckResult[] = []
  for (const check of CHECKS) results.push(await runCheck(check, world))
  return results
}
