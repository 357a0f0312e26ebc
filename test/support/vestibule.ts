import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { prepare } from '../../src/commands/service-input.ts'
import { faultText } from '../../src/core/fault.ts'
import { readConfig } from '../../src/edge/config/config.ts'
import { type Environment } from '../../src/edge/config/environment.ts'
import { type Service, startService } from '../../src/service.ts'
import { writeFiles } from './files.ts'

export type VestibuleSettings = {
  /** Policy files by name. */
  readonly policies: Readonly<Record<string, string>>
  /** Laid over the base configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly environment?: Environment
  /** Other files beside the configuration, such as key files. */
  readonly files?: Readonly<Record<string, string>>
}

export type Vestibule = {
  readonly addresses: Service['addresses']
  readonly verifyPort: number
  readonly publicPort: number
  readonly opsPort: number
  /** Decision lines so far, parsed; waits until as many as asked for have been written. */
  readonly decisions: (atLeast?: number) => Promise<readonly DecisionLine[]>
  /** What the service said of itself. */
  readonly notices: () => readonly string[]
  readonly metrics: () => Promise<string>
  /** Writes a policy file while the service runs. */
  readonly writePolicy: (name: string, content: string) => Promise<void>
  readonly stop: () => Promise<void>
}

export type DecisionLine = Readonly<Record<string, unknown>> & {
  readonly effect: string
  readonly reason: string
}

const BASE = {
  publicUrl: 'https://auth.test',
  listen: { verify: '127.0.0.1:0', public: '127.0.0.1:0', ops: '127.0.0.1:0' },
  cookie: { domain: 'test' },
  identityProvider: { issuer: 'http://127.0.0.1:1', clientId: 'vestibule' },
  policies: './policies',
}

/** The real service, in this process, on free ports, with files in a folder of its own. */
export const startVestibule = async (settings: VestibuleSettings): Promise<Vestibule> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-test-'))
  const config = { ...BASE, decisionLog: { to: './decisions.ndjson' }, ...settings.config }
  await writeFiles(folder, {
    'vestibule.yaml': stringify(config),
    'decisions.ndjson': '',
    ...settings.files,
  })
  await writeFiles(join(folder, 'policies'), settings.policies)
  const read = await readConfig(join(folder, 'vestibule.yaml'), settings.environment ?? {})
  if (!read.ok) throw new Error(read.failure.map(faultText).join('\n'))
  const prepared = await prepare(read.value)
  if (!prepared.ok) throw new Error(prepared.failure.map(faultText).join('\n'))
  const notices: string[] = []
  const log = pino({ base: null }, { write: (line: string) => notices.push(line) })
  const service = await startService({ config: read.value, ...prepared.value, log })
  const { addresses } = service
  return {
    addresses,
    verifyPort: portOf(addresses.verify),
    publicPort: portOf(addresses.public),
    opsPort: portOf(addresses.ops),
    decisions: (atLeast = 0) => readDecisions(join(folder, 'decisions.ndjson'), atLeast),
    notices: () => notices,
    metrics: async () => await (await fetch(`http://${addresses.ops}/metrics`)).text(),
    writePolicy: (name, content) => writeFile(join(folder, 'policies', name), content),
    stop: async () => {
      await service.drain()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1))

/** The log is written behind the answers; polls until it has caught up, at most two seconds. */
const readDecisions = async (file: string, atLeast: number): Promise<readonly DecisionLine[]> => {
  for (let tries = 0; ; tries += 1) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    if (lines.length >= atLeast || tries === 100) {
      return lines.map((line) => JSON.parse(line) as DecisionLine)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
