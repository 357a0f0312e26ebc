import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  type Annotations,
  annotationChanges,
  changed,
  invert,
} from '../../src/migrate/ingress/annotation-change.ts'
import {
  jsonPatch,
  jsonRollback,
  mergePatch,
  type PatchOperation,
} from '../../src/migrate/ingress/annotation-patch.ts'
import { ANNOTATION_RULES, PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import { guardAnnotations, STANDARD_HEADERS } from '../../src/migrate/ingress/guard.ts'

const WANTED = guardAnnotations(
  {
    verifyOrigin: 'http://vestibule.vestibule.svc.cluster.local:8080',
    publicUrl: 'https://auth.example.com',
    identityHeaders: STANDARD_HEADERS,
  },
  'people',
  [],
)

/** As Kubernetes keeps it: a map without keys is no map. */
type Stored = Annotations | undefined
const stored = (annotations: Stored): Stored =>
  annotations === undefined || Object.keys(annotations).length === 0 ? undefined : annotations

/** RFC 6902 section 4 and RFC 6901 section 4, for the one map; throws where an operation fails. */
const applyJson = (annotations: Stored, patch: readonly PatchOperation[]): Stored => {
  let root: Map<string, string> | undefined =
    annotations === undefined ? undefined : new Map(Object.entries(annotations))
  for (const operation of patch) {
    const [metadata, name, key, ...rest] = operation.path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    expect([metadata, name, rest]).toEqual(['metadata', 'annotations', []])
    if (key === undefined) {
      expect(operation).toEqual({ op: 'add', path: '/metadata/annotations', value: {} })
      root = new Map()
      continue
    }
    if (root === undefined) throw new Error('there is no such map')
    if (operation.op !== 'add' && !root.has(key)) throw new Error(`${key} is not there`)
    if (operation.op === 'remove') root.delete(key)
    else if (operation.op === 'test') expect(root.get(key)).toBe(operation.value)
    else root.set(key, String(operation.value))
  }
  return root === undefined ? undefined : Object.fromEntries(root)
}

/** RFC 7386, which a strategic merge patch is for a map of texts. */
const applyMerge = (
  annotations: Stored,
  patch: Readonly<Record<string, string | null>>,
): Stored => {
  const result = new Map(Object.entries(annotations ?? {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, value)
  }
  return Object.fromEntries(result)
}

const VALUES: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('any', 'true', 'false', 'basic', '10.0.0.0/8', '16k', '1k', 'satisfy any;', ''),
  fc.string(),
)

const NAMES: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...[...ANNOTATION_RULES.keys()].map((name) => PREFIX + name)),
  fc.constantFrom('a/b', 'a~b', 'a~1b', 'constructor', 'toString', 'kubernetes.io/ingress.class'),
  fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
)

const ANY_ANNOTATIONS: fc.Arbitrary<Stored> = fc.option(fc.dictionary(NAMES, VALUES), {
  nil: undefined,
})

const STAGES = fc.constantFrom('observe', 'enforce')

describe('a patch and its inverse', () => {
  test('leave any Ingress as it was: JSON patch', () => {
    fc.assert(
      fc.property(ANY_ANNOTATIONS, STAGES, (before, stage) => {
        const changes = annotationChanges(before ?? {}, WANTED, stage)
        const after = applyJson(before, jsonPatch(before, changes))
        expect(stored(after)).toEqual(stored(changed(before ?? {}, changes)))
        expect(stored(applyJson(after, jsonRollback(changes)))).toEqual(stored(before))
      }),
    )
  })

  test('leave any Ingress as it was: strategic merge', () => {
    fc.assert(
      fc.property(ANY_ANNOTATIONS, STAGES, (before, stage) => {
        const changes = annotationChanges(before ?? {}, WANTED, stage)
        const ref = { namespace: 'a', name: 'b' }
        const after = applyMerge(before, mergePatch(ref, changes).metadata.annotations)
        expect(stored(after)).toEqual(stored(changed(before ?? {}, changes)))
        const back = mergePatch(ref, invert(changes)).metadata.annotations
        expect(stored(applyMerge(after, back))).toEqual(stored(before))
      }),
    )
  })

  test('change nothing the second time', () => {
    fc.assert(
      fc.property(ANY_ANNOTATIONS, STAGES, (before, stage) => {
        const after = changed(before ?? {}, annotationChanges(before ?? {}, WANTED, stage))
        expect(annotationChanges(after, WANTED, stage)).toEqual([])
      }),
    )
  })

  test('touch nothing that is not theirs', () => {
    fc.assert(
      fc.property(ANY_ANNOTATIONS, STAGES, (before, stage) => {
        const changes = annotationChanges(before ?? {}, WANTED, stage)
        expect(changes.filter(({ name }) => !name.startsWith(PREFIX))).toEqual([])
      }),
    )
  })

  test('a patch does not apply to an Ingress that has changed since', () => {
    const before = { [`${PREFIX}satisfy`]: 'any' }
    const patch = jsonPatch(before, annotationChanges(before, WANTED, 'enforce'))
    expect(() => applyJson({ [`${PREFIX}satisfy`]: 'all' }, patch)).toThrow('any')
  })

  test('the way back applies even then', () => {
    const before = { [`${PREFIX}satisfy`]: 'any' }
    const changes = annotationChanges(before, WANTED, 'enforce')
    const edited = { ...changed(before, changes), [`${PREFIX}proxy-buffer-size`]: '32k', x: 'y' }
    expect(applyJson(edited, jsonRollback(changes))).toEqual({ ...before, x: 'y' })
  })
})

describe('what goes', () => {
  const gone = (stage: 'observe' | 'enforce', name: string, value: string): boolean =>
    annotationChanges({ [PREFIX + name]: value }, WANTED, stage).some(
      (change) => change.name === PREFIX + name && change.after === undefined,
    )

  test.each([
    ['satisfy', 'any', true, true],
    ['auth-cache-key', '$cookie_x', true, true],
    ['auth-keepalive', '10', true, true],
    ['auth-snippet', 'x', true, true],
    ['enable-global-auth', 'false', true, true],
    ['enable-global-auth', 'true', false, false],
    ['whitelist-source-range', '10.0.0.0/8', false, true],
    ['auth-type', 'basic', false, true],
    ['denylist-source-range', '10.0.0.0/8', false, false],
    ['configuration-snippet', 'satisfy any; allow 10.0.0.0/8; deny all;', true, true],
    ['configuration-snippet', 'proxy_set_header X-Auth-Request-User admin;', true, true],
    ['configuration-snippet', 'more_set_headers "X-Frame-Options: DENY";', false, false],
    ['auth-tls-secret', 'a/b', false, false],
  ])('%s: %s goes in observe %s, in enforce %s', (name, value, observe, enforce) => {
    expect([gone('observe', name, value), gone('enforce', name, value)]).toEqual([observe, enforce])
  })

  test.each([
    ['16k', false],
    ['8k', false],
    ['8192', false],
    ['4k', true],
    ['2k', true],
    ['many', true],
  ])('a proxy-buffer-size of %s is replaced: %s', (size, isReplaced) => {
    const changes = annotationChanges({ [`${PREFIX}proxy-buffer-size`]: size }, WANTED, 'enforce')
    expect(changes.some(({ name }) => name.endsWith('proxy-buffer-size'))).toBe(isReplaced)
  })
})
