import { describe, expect, test } from '@jest/globals'
import { PRESET_GUIDES } from '../../src/presets/application-guides.ts'
import { APPLICATION_PRESETS } from '../../src/presets/applications.ts'
import { FINGERPRINTS } from '../../src/presets/fingerprints.ts'

const names = APPLICATION_PRESETS.map(({ name }) => name)

describe('application presets', () => {
  test('every preset has a guide, and every guide a preset', () => {
    expect(Object.keys(PRESET_GUIDES).toSorted()).toEqual(names.toSorted())
  })

  test.each(APPLICATION_PRESETS)('$name sends what its guide says that it sends', (preset) => {
    const sources = preset.headers.map(([, source]) => source)
    const { identity } = PRESET_GUIDES[preset.name]!
    expect(sources.includes('bearer_assertion')).toBe(identity === 'bearer')
    if (identity === 'gate_only') expect(sources).toEqual([])
    if (identity === 'headers') expect(sources.length).toBeGreaterThan(0)
  })

  test('machine paths are plain paths, which an Ingress needs no regular expression for', () => {
    const paths = Object.values(PRESET_GUIDES).flatMap(({ machinePaths }) => machinePaths)
    expect(paths.length).toBeGreaterThan(10)
    for (const { path } of paths) expect(path).toMatch(/^\/[A-Za-z0-9/._-]*$/)
  })

  test('an application with tokens of its own has no bearer that Vestibule would replace', () => {
    const replaced = Object.values(PRESET_GUIDES).filter(({ identity }) => identity === 'bearer')
    expect(replaced.filter(({ hasOwnTokens }) => hasOwnTokens)).toEqual([])
  })
})

describe('fingerprints', () => {
  test('more than thirty applications are known, each once', () => {
    const ids = FINGERPRINTS.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(50)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('a preset that is named exists', () => {
    const named = FINGERPRINTS.flatMap(({ preset }) => preset ?? [])
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  test('no image and no name belongs to two applications', () => {
    const images = FINGERPRINTS.flatMap((each) => [...each.images])
    const labels = FINGERPRINTS.flatMap((each) => [...each.names])
    expect(new Set(images).size).toBe(images.length)
    expect(new Set(labels).size).toBe(labels.length)
  })
})
