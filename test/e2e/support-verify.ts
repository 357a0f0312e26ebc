import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseIngresses } from '../../demo/controller/ingress.ts'
import { ask } from '../../demo/http-client.ts'
import { DEFAULT_PORTS } from '../../demo/ports.ts'
import { DOMAIN } from '../../demo/world.ts'
import { faultText } from '../../src/core/fault.ts'
import { loadPolicies } from '../../src/edge/policies/policy-folder.ts'
import { type Site, until } from './support-world.ts'

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

const ROOT = resolve(import.meta.dirname, '../..')

/** Runs the command as people do, in a process of its own. */
export const vestibule = async (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input?: Readable,
): Promise<Ended> => {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
  })
  // It may stop reading before there is no more to read.
  child.stdin.on('error', () => undefined)
  input?.pipe(child.stdin)
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number]>,
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, stdout, stderr }
}

export type CheckJson = {
  readonly host: string
  readonly check: string
  readonly caller?: string
  readonly url: string
  readonly requestId: string
  readonly ok: boolean
  readonly status?: number
  readonly findings: readonly {
    readonly code: string
    readonly problem: string
    readonly remedy: string
  }[]
}

export type ReportJson = { readonly ok: boolean; readonly checks: readonly CheckJson[] }

/** `check: code` of everything that is wrong. */
export const wrongs = (stdout: string): readonly string[] =>
  (JSON.parse(stdout) as ReportJson).checks.flatMap(({ check, findings }) =>
    findings.map(({ code }) => `${check}: ${code}`),
  )

/** Changes one Ingress file of the site, as somebody with kubectl would. */
export const editIngress = async (
  site: Site,
  file: string,
  edit: (yaml: string) => string,
): Promise<void> => {
  const path = join(site.ingresses, file)
  const yaml = readFileSync(path, 'utf8')
  const edited = edit(yaml)
  if (edited === yaml) throw new Error(`${file} is what it was`)
  writeFileSync(path, edited)
  await applyIngresses(site)
}

const FILES = ['api.yaml', 'auth.yaml', 'grafana.yaml', 'wiki.yaml']

export const applyIngresses = async (site: Site): Promise<void> => {
  const ingresses = FILES.flatMap((file) =>
    parseIngresses(
      readFileSync(join(site.ingresses, file), 'utf8').replaceAll(
        `${DOMAIN}:${DEFAULT_PORTS.nginx}`,
        `${DOMAIN}:${site.ports.nginx}`,
      ),
    ),
  )
  await site.controller.reload({ ingresses })
}

/** Writes a policy file and waits until the service has taken it over. */
export const writePolicy = async (site: Site, file: string, yaml: string): Promise<void> => {
  writeFileSync(join(site.policies, file), yaml)
  const loaded = await loadPolicies(site.policies)
  if (!loaded.ok) throw new Error(loaded.failure.map(faultText).join('\n'))
  const metrics = `http://127.0.0.1:${site.ports.ops}/metrics`
  await until(
    async () => (await ask(metrics)).body.includes(loaded.value.version),
    'the policies to be taken over',
  )
}
