import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Block, readBlocks } from './walkthrough/document.ts'
import { writtenByCluster } from './walkthrough/logs.ts'
import { type RealHosts, startRealHosts } from './walkthrough/stage.ts'

jest.setTimeout(90_000)

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const DAY_MS = 86_400_000
const now = new Date()
const blocks = readBlocks(new Date(now.getTime() + 60 * DAY_MS).toISOString().slice(0, 10))
const fromCluster = writtenByCluster(now)

let folder: string
let hosts: RealHosts | undefined
let verifications = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-walkthrough-'))
  const bin = join(folder, '.bin')
  mkdirSync(bin)
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
  writeFileSync(join(bin, 'vestibule'), shim, { mode: 0o755 })
})

afterAll(async () => {
  await hosts?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const write = (file: string, content: string): void => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), content)
}

/** What a cluster would have written is put where the commands after it look for it. */
const provide = (file: string): void => {
  const log = fromCluster.get(file)
  if (log !== undefined) write(file, log)
  else if (file === 'cluster.yaml') {
    cpSync(join(import.meta.dirname, 'walkthrough/cluster.yaml'), join(folder, file))
  } else if (file === 'headquarters/objects.yaml') {
    const objects = join(import.meta.dirname, '../fixtures/cluster')
    cpSync(objects, join(folder, 'headquarters'), { recursive: true })
  } else if (file !== 'decisions.log') throw new Error(`no cluster of the tests writes ${file}`)
}

/** The first time the network is open, the second time it is closed. */
const prepareHosts = async (): Promise<void> => {
  hosts ??= await startRealHosts(folder)
  hosts.writePlan(verifications > 0)
  verifications += 1
}

type Run = Extract<Block, { readonly kind: 'run' }>

const run = async ({ text: script, exitCode, prints }: Run): Promise<void> => {
  if (script.includes('migrate verify')) await prepareHosts()
  const child = spawn('bash', ['-o', 'pipefail', '-ec', script], {
    cwd: folder,
    env: {
      ...process.env,
      ...hosts?.environment,
      PATH: `${join(folder, '.bin')}:${process.env['PATH'] ?? ''}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[code], out, err] = await Promise.all([
    once(child, 'close') as Promise<[number]>,
    text(child.stdout),
    text(child.stderr),
  ])
  const said = `${out}${err}`
  expect({ code, missing: prints.filter((line) => !said.includes(line)), said }).toEqual({
    code: exitCode,
    missing: [],
    said,
  })
}

test('the document has five stages, and commands for each', () => {
  expect(blocks.filter(({ kind }) => kind === 'run').length).toBeGreaterThan(15)
})

test.each(blocks.map((block) => [block.line, block.text.split('\n')[0] ?? '', block] as const))(
  'line %i: %s',
  async (_line, _first, block) => {
    switch (block.kind) {
      case 'file':
        write(block.file, block.text)
        break
      case 'cluster':
        expect(spawnSync('bash', ['-n'], { input: block.text, encoding: 'utf8' }).stderr).toBe('')
        block.writes.forEach(provide)
        break
      case 'run':
        await run(block)
    }
  },
)
