import { describe, expect, test } from '@jest/globals'
import { readText } from './manifests.ts'

type Instruction = { readonly name: string; readonly value: string }

const INSTRUCTIONS: readonly Instruction[] = readText('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [name = ''] = line.split(' ', 1)
    return { name, value: line.slice(name.length + 1) }
  })

const LAST_STAGE = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex(({ name }) => name === 'FROM'))

const valuesOf = (instructions: readonly Instruction[], name: string): readonly string[] =>
  instructions.filter((each) => each.name === name).map(({ value }) => value)

describe('Dockerfile', () => {
  test('builds all stages on node:26-slim, which an argument can replace', () => {
    expect(valuesOf(INSTRUCTIONS, 'ARG')).toEqual(['NODE_IMAGE=node:26-slim'])
    expect(valuesOf(INSTRUCTIONS, 'FROM')).toEqual([
      '${NODE_IMAGE} AS dependencies',
      '${NODE_IMAGE} AS compiled',
      '${NODE_IMAGE}',
    ])
  })

  test('runs as a user who is not root, by number, as the Deployment says', () => {
    expect(valuesOf(LAST_STAGE, 'USER')).toEqual(['1000:1000'])
  })

  test('compiles as the user who runs it, and lets him read it and not change it', () => {
    const from = INSTRUCTIONS.findIndex(({ value }) => value.endsWith(' AS compiled'))
    const stage = INSTRUCTIONS.slice(
      from,
      INSTRUCTIONS.indexOf(LAST_STAGE[0] ?? { name: '', value: '' }),
    )
    expect(valuesOf(stage, 'USER')).toEqual(valuesOf(LAST_STAGE, 'USER'))
    expect(valuesOf(stage, 'WORKDIR')).toEqual(valuesOf(LAST_STAGE, 'WORKDIR'))
    expect(valuesOf(stage, 'RUN')).toEqual([
      'NODE_COMPILE_CACHE=/tmp/compiled node src/main.ts serve --help && chmod -R a+rX /tmp/compiled',
    ])
    expect(valuesOf(LAST_STAGE, 'COPY')).toContain(
      '--from=compiled --chown=root:root /tmp/compiled ./.compiled',
    )
    expect(valuesOf(LAST_STAGE, 'ENV').join(' ')).toContain('NODE_COMPILE_CACHE=/app/.compiled')
  })

  test('serves, with the configuration where the Deployment mounts it', () => {
    expect(valuesOf(LAST_STAGE, 'ENTRYPOINT')).toEqual(['["node", "src/main.ts"]'])
    expect(valuesOf(LAST_STAGE, 'CMD')).toEqual(['["serve"]'])
    expect(valuesOf(LAST_STAGE, 'EXPOSE')).toEqual(['8080 8081 9090'])
    expect(valuesOf(LAST_STAGE, 'ENV').join(' ')).toContain(
      'VESTIBULE_CONFIG=/etc/vestibule/vestibule.yaml',
    )
  })

  test('has no HEALTHCHECK, because Kubernetes probes', () => {
    expect(valuesOf(INSTRUCTIONS, 'HEALTHCHECK')).toEqual([])
  })

  test('installs what runs, and lets no package run a script while it does', () => {
    expect(valuesOf(INSTRUCTIONS, 'RUN')[0]).toMatch(/^npm ci --omit=dev --ignore-scripts /)
    expect(valuesOf(INSTRUCTIONS, 'ADD')).toEqual([])
  })

  test('loses nothing by that: no runtime dependency has an install script', () => {
    const lock = JSON.parse(readText('package-lock.json')) as {
      readonly packages: Readonly<
        Record<string, { readonly dev?: boolean; readonly hasInstallScript?: boolean }>
      >
    }
    const scripted = Object.entries(lock.packages)
      .filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true)
      .map(([path]) => path)
    expect(scripted).toEqual([])
  })
})

describe('.dockerignore', () => {
  test('lets in what the Dockerfile copies and nothing else', () => {
    const lines = readText('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines[0]).toBe('*')
    const copied = valuesOf(INSTRUCTIONS, 'COPY')
      .filter((value) => !value.startsWith('--from='))
      .flatMap((value) => value.split(' ').slice(0, -1))
    expect(new Set(lines.slice(1))).toEqual(new Set(copied.map((path) => `!${path}`)))
  })
})
