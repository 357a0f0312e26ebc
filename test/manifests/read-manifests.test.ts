import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { readManifests } from '../../src/edge/manifests/read-manifests.ts'
import { readText, shortFaults } from './support-manifests.ts'

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'one', namespace: 'apps', annotations: { note: 'items:\n- a: "}"\n---x\n' } },
  spec: { ports: [{ port: 80 }] },
}
const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } }
const LIST = { apiVersion: 'v1', items: [SERVICE, NAMESPACE], kind: 'List', metadata: {} }

const names = async (text: string, part?: number): Promise<readonly string[]> => {
  const { objects, faults } = await readText(text, part)
  return [
    ...faults.map(({ problem }) => problem),
    ...objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
  ]
}

const BOTH = ['Service apps/one', 'Namespace /apps']

describe('reading manifests', () => {
  test.each([
    ['documents of YAML', `${stringify(SERVICE)}---\n${stringify(NAMESPACE)}`],
    [
      'documents with comments and ends',
      `# a\n---\n# b\n${stringify(SERVICE)}...\n---\n---\n${stringify(NAMESPACE)}...\n`,
    ],
    ['a list as kubectl prints YAML', stringify(LIST, { indentSeq: false })],
    ['a list with indented items', stringify(LIST)],
    ['a list in one line', JSON.stringify(LIST)],
    ['a list as kubectl prints JSON', JSON.stringify(LIST, null, 4)],
    [
      'objects of JSON one after the other',
      `${JSON.stringify(SERVICE)}\n${JSON.stringify(NAMESPACE)}`,
    ],
    ['JSON, then YAML', `${JSON.stringify(SERVICE)}\n---\n${stringify(NAMESPACE)}`],
    ['YAML, then JSON', `${stringify(SERVICE)}---\n${JSON.stringify(NAMESPACE, null, 2)}`],
    [
      'lines that end as in Windows',
      `${stringify(SERVICE)}---\n${stringify(NAMESPACE)}`.replaceAll('\n', '\r\n'),
    ],
    ['a byte order mark', `\uFEFF${stringify(SERVICE)}---\n${stringify(NAMESPACE)}`],
    ['a list in a list', JSON.stringify({ ...LIST, items: [LIST] })],
    ['no line end', stringify(SERVICE) + `---\n${stringify(NAMESPACE)}`.trimEnd()],
  ])('takes %s', async (_name, text) => {
    expect(await names(text)).toEqual(BOTH)
  })

  test('says the same however the text arrives', async () => {
    const texts = [stringify(LIST, { indentSeq: false }), JSON.stringify(LIST, null, 2)]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.integer({ min: 1, max: 40 }),
        async (text, part) => {
          expect(await names(text, part)).toEqual(BOTH)
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each([
    ['YAML', stringify(LIST, { indentSeq: false })],
    ['JSON', JSON.stringify(LIST, null, 2)],
  ])('knows the line of every key of %s', async (_name, text) => {
    const { objects } = await readText(`\n\n${text}`)
    const [service] = objects
    const at = service?.lineOf(['spec', 'ports', 0, 'port']) ?? 0
    expect(`\n\n${text}`.split('\n')[at - 1]).toMatch(/"?port"?: 80/)
    expect(service?.origin.path).toBe('items[0]')
    expect(service?.lineOf(['spec', 'absent', 'deeper'])).toBe(service?.lineOf(['spec']))
  })

  test('a namespace that is not written is default, but not for what has none', async () => {
    const { metadata: _named, ...rest } = SERVICE
    const bare = { ...rest, metadata: { name: 'one' } }
    expect(await names(JSON.stringify(bare))).toEqual(['Service default/one'])
  })

  test('passes over what nobody wrote: events, leases, endpoints', async () => {
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'x' } }
    expect(await names(JSON.stringify({ ...LIST, items: [event, SERVICE] }))).toEqual([
      'Service apps/one',
    ])
  })
})

describe('faults of manifests', () => {
  test.each([
    [
      'a list of JSON that is cut off',
      JSON.stringify(LIST, null, 2).slice(0, -60),
      ['22: begins here and does not end'],
    ],
    [
      'a list of YAML that is cut off',
      stringify(LIST, { indentSeq: false }).split('\n').slice(0, 5).join('\n'),
      [
        '5: items[0].metadata: expected object, received null',
        '1: is a list that ends before its kind',
      ],
    ],
    [
      'a value that is cut off',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: "one',
      ['4: missing closing "quote'],
    ],
    [
      'aliases',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: &m { name: x }\ndata: *m\n',
      ['4: aliases are not accepted'],
    ],
    [
      'aliases that would grow without end, once for each line',
      'a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\n',
      ['2: aliases are not accepted', '3: aliases are not accepted'],
    ],
    [
      'tags',
      'apiVersion: v1\nkind: !!str ConfigMap\nmetadata: { name: x }\n',
      ['2: tags are not accepted'],
    ],
    [
      'a key twice',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, name: y }\n',
      ['3: repeats a key'],
    ],
    [
      'a template',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n',
      ['4: has a key that is no text'],
    ],
    [
      'values of a chart',
      'image:\n  tag: 1\n',
      ['1: is no Kubernetes object: apiVersion, kind or metadata is missing'],
    ],
    [
      'an annotation that is no text',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n  annotations:\n    a: true\n',
      ['6: metadata.annotations.a: expected string, received boolean'],
    ],
    [
      'rules that are no list',
      '{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"x"},\n"spec":{"rules":"all"}}',
      ['2: spec.rules: expected array, received string'],
    ],
    [
      'a name that is no text',
      'apiVersion: v1\nkind: Service\nmetadata: { name: [x] }\n',
      ['3: metadata.name: expected string, received array'],
    ],
    ['words', 'hello\n', ['1: is no Kubernetes object: apiVersion, kind or metadata is missing']],
    [
      'what kubectl says when it fails',
      'error: You must be logged in to the server\n',
      ['1: is no Kubernetes object: apiVersion, kind or metadata is missing'],
    ],
    ['nothing', '', ['-: holds no object']],
    ['another encoding', new Uint8Array([0xff, 0xfe, 0x61, 0x00]), ['1: is not UTF-8']],
    [
      'one letter of another encoding',
      Buffer.from('apiVersion: v1\nkind: Namespace\nmetadata:\n  name: caf\xe9\n', 'latin1'),
      ['4: is not UTF-8'],
    ],
    [
      'a list of JSON with items that are no objects',
      JSON.stringify({ ...LIST, items: [null, SERVICE, 'x'] }, null, 2),
      ['1: holds 2 items that are no mapping'],
    ],
    [
      'a list of YAML with an item that is nothing',
      'apiVersion: v1\nitems:\n- null\nkind: List\n',
      ['3: items[0]: is no Kubernetes object: apiVersion, kind or metadata is missing'],
    ],
  ])('%s', async (_name, text, expected) => {
    expect(shortFaults(await readText(text))).toEqual(expected)
  })

  test('one bad object does not hide the others', async () => {
    const text = `${stringify(SERVICE)}---\nkind: [\n---\n${stringify(NAMESPACE)}`
    const { objects, faults } = await readText(text)
    expect([objects.length, faults.length > 0]).toEqual([2, true])
  })
})

describe('places', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vestibule-manifests-'))
    await mkdir(join(folder, 'sub'))
    await mkdir(join(folder, '.git'))
    await writeFile(join(folder, 'b.yaml'), stringify(SERVICE))
    await writeFile(join(folder, 'sub', 'a.json'), JSON.stringify(NAMESPACE))
    await writeFile(join(folder, 'values.yml'), 'tag: 1\n')
    await writeFile(join(folder, '.git', 'c.yaml'), stringify(NAMESPACE))
    await writeFile(join(folder, 'notes.txt'), 'no manifest')
    await symlink(join(folder, 'nowhere'), join(folder, 'dangling.yaml'))
  })

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  const read = async (...places: readonly string[]) =>
    await readManifests(places, Readable.from([]))

  test('a folder is read with its folders, in order, and what is no object is told apart', async () => {
    const { objects, faults, passedOver } = await read(folder)
    expect(objects.map(({ origin }) => origin.file.slice(folder.length))).toEqual([
      '/b.yaml',
      '/sub/a.json',
    ])
    expect(passedOver).toHaveLength(1)
    expect(faults).toMatchObject([
      { file: join(folder, 'dangling.yaml'), problem: 'does not exist' },
    ])
  })

  test('a file that is named has to hold objects', async () => {
    expect(shortFaults(await read(join(folder, 'values.yml')))).toHaveLength(1)
  })

  test('what is not there, and a folder without manifests, are faults', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    expect(shortFaults(await read(join(folder, 'absent'), empty))).toEqual([
      '-: does not exist',
      '-: holds no .yaml, .yml or .json file',
    ])
  })
})
