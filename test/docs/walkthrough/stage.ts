import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createBrowser } from '../../../demo/browser.ts'
import { freePort } from '../../../demo/free-port.ts'
import { startWorld, type World } from '../../../demo/world.ts'

const DEMO = resolve(import.meta.dirname, '../../../demo')
const ANY_PORTS = { nginx: 0, identityProvider: 0, verify: 0, public: 0, ops: 0 }

/** Real hosts for `vestibule migrate verify`: nginx with the Ingresses that the document made. */
export type RealHosts = {
  readonly environment: Readonly<Record<string, string>>
  /** The plan of the document, with the addresses of this machine. */
  readonly writePlan: (isClosed: boolean) => void
  readonly stop: () => Promise<void>
}

const cookieOf = async (world: World, who: string): Promise<string> => {
  const browser = createBrowser()
  const start = world.url('auth', '/oauth2/start')
  const page = await browser.open(start)
  await browser.open(page.url, { form: { person: who } })
  const value = browser.cookiesFor(start).get('vestibule')
  if (value === undefined) throw new Error(`${who} was not signed in`)
  return value
}

export const startRealHosts = async (folder: string): Promise<RealHosts> => {
  const ingresses = join(folder, '.ingresses')
  mkdirSync(ingresses)
  cpSync(join(DEMO, 'ingresses/auth.yaml'), join(ingresses, 'auth.yaml'))
  cpSync(join(folder, 'enforced.yaml'), join(ingresses, 'enforced.yaml'))
  writeFileSync(join(folder, 'decisions.log'), '')
  const world = await startWorld({
    ports: ANY_PORTS,
    ingresses,
    policies: join(folder, 'policies'),
    overrides: { decisionLog: { to: join(folder, 'decisions.log') } },
  })
  const written = readFileSync(join(folder, 'plan.yaml'), 'utf8')
  const closed = await freePort()
  return {
    environment: {
      ALICE_COOKIE: await cookieOf(world, 'alice'),
      BOB_COOKIE: await cookieOf(world, 'bob'),
      CAROL_COOKIE: await cookieOf(world, 'carol'),
      EXPORT_TOKEN: await world.identityProvider.workloadToken(),
    },
    writePlan: (isClosed) => {
      const front = `127.0.0.1:${world.ports.nginx}`
      // Over http there is no cookie with the prefix, and the names lead to this machine.
      const here = written
        .replace(/^signIn:/m, 'cookieName: vestibule\nsignIn:')
        .replace(/origin: https:(\S+)/g, `origin: http:$1\n    address: ${front}`)
        .replace(/url: http:\/\/(\w+)\S*/g, (way, name: string) => {
          const open = world.applications.get(name)?.address ?? ''
          return `${way}, address: "${isClosed ? `127.0.0.1:${closed}` : open}"`
        })
      writeFileSync(join(folder, 'plan.yaml'), here)
    },
    stop: world.stop,
  }
}
