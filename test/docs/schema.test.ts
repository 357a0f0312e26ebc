import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { jsonSchemas } from '../../docs/json-schemas.ts'
import { CRITERIA } from '../../src/core/policy/criteria.ts'
import { departures, type Schema } from '../support/json-schema.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const schemaOf = (name: string): Schema =>
  JSON.parse(jsonSchemas()[`schema/${name}.schema.json`] ?? '') as Schema

const files = (...patterns: readonly string[]): readonly string[] =>
  globSync([...patterns], { cwd: ROOT }).toSorted()

const read = (file: string): unknown => parse(readFileSync(join(ROOT, file), 'utf8'))

const policyFiles = files('demo/policies/*.yaml', 'policies/*.yaml', 'k8s/**/policies/*.yaml')
const kindOf = (file: string): string => {
  if (/\.cases\.ya?ml$/.test(file)) return 'cases'
  return Object.hasOwn(read(file) as object, 'ruleSets') ? 'rule-sets' : 'policy'
}

describe('the schemas for editors', () => {
  test.each(policyFiles)('accept %s', (file) => {
    expect(departures(schemaOf(kindOf(file)), read(file))).toEqual([])
  })

  test.each(files('k8s/*/vestibule.yaml'))('accept %s', (file) => {
    expect(departures(schemaOf('configuration'), read(file))).toEqual([])
  })

  test.each(CRITERIA.map(({ name, example }) => [name, example]))(
    'accept the example of %s',
    (_name, example) => {
      const file = { hosts: ['app.test'], policy: [{ deny: { or: [parse(example) as unknown] } }] }
      expect(departures(schemaOf('policy'), file)).toEqual([])
    },
  )

  const policy = schemaOf('policy')
  test.each([
    ['a criterion that is none', { grops: 'sre' }],
    ['an operator that the criterion has not', { groups: { starts_with: 'a' } }],
    ['two criteria in one condition', { groups: 'sre', email: 'a@b.test' }],
    ['an empty condition', {}],
    ['an unknown actor', { actor: 'robot' }],
    ['a fault in a nested list', { not: [{ and: [{ http_pth: '/' }] }] }],
  ])('refuse %s', (_name, condition) => {
    const file = { hosts: ['app.test'], policy: [{ allow: { and: [condition] } }] }
    expect(departures(policy, file)).not.toEqual([])
  })

  test('refuse unknown keys of every file', () => {
    for (const name of ['policy', 'rule-sets', 'cases', 'configuration']) {
      expect(departures(schemaOf(name), { nonsense: 1 })).not.toEqual([])
    }
  })

  test('show no secret that a configuration file must not hold', () => {
    expect(JSON.stringify(schemaOf('configuration'))).not.toMatch(/"clientSecret"|"keys"/)
  })

  test('write durations as people do', () => {
    const { properties } = schemaOf('configuration') as {
      readonly properties: { readonly session: { readonly properties: Record<string, unknown> } }
    }
    expect(properties.session.properties['idle']).toMatchObject({ type: 'string', default: '8h' })
  })
})
