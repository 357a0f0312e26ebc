import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'

const SRC = resolve(import.meta.dirname, '../src')

/** Which layers each layer may import, and which packages. Whatever is not listed is forbidden. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  flow: ['core', 'flow'],
  'edge/assertion': ['core', 'flow', 'edge/assertion', 'jose', 'lru-cache', 'zod', 'node:crypto'],
  'edge/config': ['core', 'presets', 'edge/config', 'edge/files', 'zod', 'node:path'],
  'edge/crowd': ['core', 'flow', 'edge/crowd'],
  'edge/files': ['core', 'edge/files', 'leven', 'yaml', 'zod', 'node:fs/promises'],
  'edge/http': [
    'core',
    'flow',
    'edge/http',
    'express',
    'jose',
    'lru-cache',
    'node:crypto',
    'node:http',
    'node:net',
    'node:stream',
  ],
  'edge/manifests': [
    'core',
    'migrate',
    'edge/files',
    'edge/manifests',
    'yaml',
    'zod',
    'node:fs',
    'node:fs/promises',
    'node:path',
  ],
  'edge/observe': [
    'core',
    'flow',
    'edge/observe',
    'pino',
    'prom-client',
    'zod',
    'node:fs',
    'node:fs/promises',
    'node:net',
    'node:stream',
    'node:string_decoder',
    'node:timers/promises',
    'node:zlib',
  ],
  'edge/oidc': ['core', 'flow', 'edge/oidc', 'edge/outbound', 'jose', 'openid-client'],
  migrate: ['core', 'migrate', 'presets', 'ipaddr.js'],
  'edge/outbound': ['edge/outbound', 'node:https', 'node:stream'],
  // Back ends copy it, so it stands alone.
  verifier: ['verifier', 'express', 'jose'],
  presets: ['core', 'presets'],
  'edge/policies': [
    'core',
    'presets',
    'lru-cache',
    '@marcbachmann/cel-js',
    'edge/files',
    'edge/policies',
    'zod',
    'node:crypto',
    'node:fs',
    'node:fs/promises',
    'node:net',
    'node:path',
  ],
  'edge/probe': [
    'core',
    'migrate',
    'edge/files',
    'edge/probe',
    'zod',
    'node:http',
    'node:https',
    'node:path',
    'node:tls',
  ],
  'edge/reports': ['core', 'migrate', 'edge/http', 'edge/reports'],
  'edge/service-tokens': [
    'core',
    'flow',
    'edge/service-tokens',
    // Its records lie in the same store, sealed in the same way.
    'edge/sessions',
    'lru-cache',
    'zod',
    'node:crypto',
    'node:timers/promises',
    'node:zlib',
  ],
  'edge/sessions': [
    'core',
    'flow',
    'edge/sessions',
    'cluster-key-slot',
    'ioredis',
    'lru-cache',
    'zod',
    'node:crypto',
  ],
  'edge/site': ['core', 'migrate', 'edge/files', 'edge/site', 'zod'],
  'edge/tokens': [
    'core',
    'flow',
    'edge/outbound',
    'edge/tokens',
    'jose',
    'lru-cache',
    'openid-client',
    'zod',
    'node:crypto',
    'node:timers/promises',
  ],
  'edge/workers': ['edge/workers', 'zod', 'node:child_process', 'node:dns/promises', 'node:net'],
}

/** They wire everything together. */
const WIRING = /^(?:main|service|worker)\.ts$|^(?:service|commands)\//

/** `core/decide.ts` → `core`; `edge/http/page.ts` → `edge/http`. */
const layerOf = (path: string): string => {
  const [first = '', second = '', ...rest] = path.split('/')
  return first === 'edge' && rest.length > 0 ? `${first}/${second}` : first.replace(/\.ts$/, '')
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
)

const importsOf = (path: string): readonly string[] =>
  parseSync(readFileSync(join(SRC, path), 'utf8'), { syntax: 'typescript' }).body.flatMap((node) =>
    'source' in node && node.source !== null && node.source !== undefined
      ? [node.source.value]
      : [],
  )

const targetOf = (path: string, specifier: string): string =>
  specifier.startsWith('.')
    ? layerOf(relative(SRC, resolve(SRC, dirname(path), specifier)))
    : specifier

const bound = sources.filter((path) => !WIRING.test(path))

describe('architecture', () => {
  test('every layer is listed', () => {
    expect(bound.map(layerOf).filter((layer) => ALLOWED[layer] === undefined)).toEqual([])
  })

  test.each(bound)('%s imports only what its layer may', (path) => {
    const allowed = ALLOWED[layerOf(path)] ?? []
    const targets = importsOf(path).map((specifier) => targetOf(path, specifier))
    expect(targets.filter((target) => !allowed.includes(target))).toEqual([])
  })

  test.each(sources)('%s is at most 250 lines', (path) => {
    expect(readFileSync(join(SRC, path), 'utf8').split('\n').length).toBeLessThanOrEqual(251)
  })
})
