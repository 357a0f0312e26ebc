import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { createWorkplace, type Workplace } from '../commands/policy-reports-support.ts'
import { ingress } from './support-cluster.ts'

jest.setTimeout(120_000)

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

const PUBLIC_URL = ['--public-url', 'https://auth.example.com'] as const

/** Every command that reads manifests, with what it needs besides. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  inventory: [],
  translate: [],
  ingress: PUBLIC_URL,
  networkpolicy: [],
  drift: [...PUBLIC_URL, '--class', 'nginx'],
  report: [],
  'oauth2-proxy': [],
}

/** Stands in every broken file, and must stand in no answer. */
const SECRET = 'c2VjcmV0LW9mLXRoZS1jbHVzdGVy'

const HEAD = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\ndata:\n  password: ${SECRET}\n`

/** One more level of nine each time: 9^9 texts, had somebody written them out. */
const laughs = (): string =>
  ['a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]']
    .concat(
      Array.from('bcdefghij', (name, index) => {
        const before = `*${'abcdefghi'[index] ?? 'a'}`
        return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`
      }),
    )
    .join('\n')

const FILES: Readonly<Record<string, { readonly text: string; readonly says: string }>> = {
  'truncated.yaml': { text: `${HEAD}  rest: "cut`, says: 'truncated.yaml:7:' },
  'truncated.json': {
    text: `{"apiVersion":"v1","kind":"List",\n"items":[\n{"kind":"Secret","data":{"p":"${SECRET}"`,
    says: 'truncated.json:3:',
  },
  'laughs.yaml': { text: `${HEAD}---\n${laughs()}`, says: 'laughs.yaml:9:' },
  'types.yaml': {
    text: `${HEAD}---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: x }\nspec:\n  rules: ${SECRET}\n`,
    says: 'types.yaml:12:',
  },
  'annotations.yaml': {
    text: 'apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n  annotations: [a]\n',
    says: 'annotations.yaml:5:',
  },
  'deep.yaml': { text: `${HEAD}---\na: ${'['.repeat(100_000)}`, says: 'deep.yaml:7:' },
  'deep.json': {
    text: `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    says: 'deep.json:1:',
  },
  'indented.yaml': {
    text: Array.from({ length: 500 }, (_each, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    says: 'indented.yaml:1:',
  },
  'empty.yaml': { text: '', says: 'empty.yaml: holds no object' },
  'comments.yaml': { text: '# nothing\n---\n', says: 'comments.yaml: holds no object' },
  'nulls.yaml': {
    text: 'apiVersion: v1\nkind: List\nitems:\n- null\n- null\n',
    says: 'nulls.yaml:4:',
  },
  'nulls.json': {
    text: `{"kind":"List","apiVersion":"v1","items":[null,{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x"}}]}`,
    says: 'nulls.json:1:',
  },
  'no-items.yaml': { text: 'apiVersion: v1\nkind: List\nitems: null\n', says: 'no-items.yaml:1:' },
  'words.yaml': { text: `error: ${SECRET}\n`, says: 'words.yaml:1:' },
}

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
  await place.write(
    Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, file.text])),
  )
  await place.write({ 'whole.yaml': ingress({ annotations: {} }) })
})

afterAll(async () => {
  await place.remove()
})

/** The inventory in a process of its own with a small heap, fed through a pipe. */
const inSmallHeap = async (
  words: readonly string[],
  input: Iterable<string>,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> => {
  const args = ['--max-old-space-size=192', MAIN, 'migrate', 'inventory', ...words]
  const child = spawn(process.execPath, args)
  const [out, err, ended] = [text(child.stdout), text(child.stderr), once(child, 'close')]
  await pipeline(Readable.from(input), child.stdin)
  const [code] = (await ended) as [number | null]
  return { code, out: await out, err: await err }
}

const STACK = /\n\s+at |Error:|node:internal|heap/

describe.each(Object.entries(COMMANDS))('migrate %s', (name, options) => {
  test.each(Object.entries(FILES))('says what is wrong with %s, and where', async (file, wrong) => {
    const { code, out, err } = await place.run('migrate', name, `@${file}`, ...options)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(wrong.says)
    expect(err).not.toMatch(STACK)
    expect(err).not.toContain(SECRET)
    expect(err.split('\n').length).toBeLessThan(15)
  })

  test('says it as JSON too', async () => {
    const words = ['migrate', name, '@types.yaml', ...options, '--json']
    const { code, out } = await place.run(...words)
    const { ok, faults } = JSON.parse(out) as { ok: boolean; faults: readonly object[] }
    expect([code, ok]).toEqual([2, false])
    expect(faults).toMatchObject([{ line: 12, key: 'spec.rules' }])
    expect(out).not.toContain(SECRET)
  })

  test('names every broken file at once', async () => {
    const files = ['@truncated.yaml', '@whole.yaml', '@deep.json']
    const { code, err } = await place.run('migrate', name, ...files, ...options)
    expect(code).toBe(2)
    expect(err).toMatch(/truncated\.yaml:7:[^]*deep\.json:1:/)
  })
})

const KEEPING = Object.entries(COMMANDS).filter(([name]) => name !== 'oauth2-proxy')

test.each(KEEPING)('migrate %s --keep-going works with the rest', async (name, options) => {
  const files = ['@truncated.yaml', '@whole.yaml']
  const words = ['migrate', name, ...files, ...options, '--keep-going']
  const { code, out, err } = await place.run(...words)
  expect(code).toBe(1)
  expect(out).not.toBe('')
  expect(`${out}${err}`).toContain('truncated.yaml:7:')
})

const PAD = 'x'.repeat(2000)

/** What a busy cluster gives: most of it pods, with much that nobody asks for. */
function* bigList(megabytes: number): Generator<string> {
  yield '{"apiVersion":"v1","kind":"List","items":[\n'
  for (let size = 0, index = 0; size < megabytes * 1e6; index += 1) {
    const pod = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `p-${index}`, namespace: 'apps', managedFields: [{ a: PAD }] },
      spec: { containers: [{ name: 'c', image: 'example.com/a:1' }] },
      status: { podIP: '10.0.0.1', conditions: [{ message: PAD }] },
    })
    size += pod.length
    yield `${pod},\n`
  }
  yield `${ingress({ annotations: {} }).split('\n')[0] ?? ''}]}\n`
}

/** None of them may cost more memory than the file before it. */
const HOSTILE: Readonly<
  Record<string, { readonly bytes: Buffer | string; readonly says: string }>
> = {
  'large.yaml': {
    bytes: `${HEAD}  more: ${'x'.repeat(50_000_000)}`,
    says: 'is an object larger than 8 MiB',
  },
  'nothing.json': {
    bytes: `{"kind":"List","items":[${'null,'.repeat(4_000_000)}null]}`,
    says: 'is an object larger than 8 MiB',
  },
  'brackets.yaml': { bytes: '['.repeat(5_000_000), says: 'nests deeper than' },
  'blank.yaml': { bytes: '\n'.repeat(3_000_000), says: 'holds no object' },
  'latin.yaml': { bytes: Buffer.alloc(1_000_000, 0xc3), says: 'is not UTF-8' },
  'broken.yaml': { bytes: '---\nkind: [\n'.repeat(1_000_000), says: 'is not read to its end' },
}

describe('in a heap of 192 MB', () => {
  test('a list of 50 MB is read through a pipe', async () => {
    const { code, out, err } = await inSmallHeap(['-', '--json'], bigList(50))
    expect([code, err]).toEqual([1, ''])
    const { objects, hosts } = JSON.parse(out) as {
      readonly objects: number
      readonly hosts: readonly { readonly host: string }[]
    }
    expect(objects).toBeGreaterThan(10_000)
    expect(hosts).toMatchObject([{ host: 'app.example.com' }])
  })

  test('files that want more are refused, each with its name', async () => {
    await Promise.all(
      Object.entries(HOSTILE).map(async ([name, { bytes }]) => {
        await writeFile(join(place.folder, name), bytes)
      }),
    )
    const names = Object.keys(HOSTILE)
    const { code, out, err } = await inSmallHeap(
      names.map((name) => join(place.folder, name)),
      [],
    )
    expect([code, out]).toEqual([2, ''])
    expect(err).not.toMatch(STACK)
    expect(err).not.toContain(SECRET)
    const lines = err.split('\n')
    expect(
      names.filter(
        (name) =>
          !lines.some((line) => line.includes(name) && line.includes(HOSTILE[name]?.says ?? '?')),
      ),
    ).toEqual([])
  })
})
