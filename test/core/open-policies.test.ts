import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decide } from '../../src/core/decide.ts'
import { type Column, columnsFor } from '../../src/core/policy/access-columns.ts'
import { accessMatrix, type Cell } from '../../src/core/policy/access-matrix.ts'
import { compilePolicies } from '../../src/core/policy/compile-policies.ts'
import { type OpenPolicy, openPolicies } from '../../src/core/policy/open-policies.ts'
import { findPolicy, type HostPolicy } from '../../src/core/policy/policy.ts'
import { createWorlds, type Worlds } from '../../src/core/policy/worlds.ts'
import { ANONYMOUS, type Principal } from '../../src/core/principal.ts'
import { parseYaml } from '../../src/edge/files/yaml-file.ts'
import { compileRanges } from '../../src/edge/policies/address-ranges.ts'
import { readCertificate } from '../../src/edge/policies/certificates.ts'
import { compileExpression } from '../../src/edge/policies/expressions.ts'
import { readPolicyFile } from '../../src/edge/policies/policy-file.ts'
import { aPerson, aRequest, host, NOW } from '../support/policies.ts'

const TOOLBOX = { compileRanges, compileExpression, readCertificate }
const APP = host('app.test')

type Both = {
  readonly served: HostPolicy
  readonly open: OpenPolicy
  readonly worlds: Worlds
  readonly cells: (columns: readonly Column[]) => readonly Cell[]
}

const bothOf = (rules: readonly unknown[], require: readonly unknown[] = []): Both => {
  const text = JSON.stringify({
    hosts: ['app.test'],
    policy: rules,
    ...(require.length > 0 ? { require } : {}),
  })
  const yaml = parseYaml(text, 'app.yaml')
  const read = yaml.ok ? readPolicyFile(yaml.value, new Map()) : yaml
  if (!read.ok) throw new Error(JSON.stringify(read.failure))
  const set = compilePolicies([read.value], 'v', TOOLBOX)
  const worlds = createWorlds()
  const policies = openPolicies([read.value], set, TOOLBOX, worlds.ask)
  const served = findPolicy(set, APP)
  const open = policies.find(APP)
  if (served === undefined || open === undefined) throw new Error('no policy')
  return {
    served,
    open,
    worlds,
    cells: (columns) => accessMatrix(policies, worlds, columns, NOW).rows[0]?.cells ?? [],
  }
}

const paths = ['/', '/a', '/a/b', '/ab', '/a/b/c', '/z']
const criterion = fc.oneof(
  fc.constantFrom('sre', 'platform', 'staff').map((group) => ({ groups: { has: group } })),
  fc.constantFrom('sre', 'platform').map((group) => ({ groups: { exclude: group } })),
  fc.constantFrom('/a', '/a/b', '/z').map((path) => ({ http_path: { starts_with: path } })),
  fc.constantFrom('/a', '/z').map((path) => ({ http_path: { not: path } })),
  fc.constantFrom('GET', 'POST', 'HEAD').map((method) => ({ http_method: method })),
  fc.constantFrom('10.0.0.0/8', '203.0.113.0/24').map((range) => ({ source_ip: range })),
  fc.constantFrom('ops', 'law').map((name) => ({ 'claim/department': { is: name } })),
  fc.constantFrom('ops', 'law').map((name) => ({ 'claim/department': { not: name } })),
  fc.constant({ cel: 'request.path == "/a" && principal.claims.department == "ops"' }),
  fc.constant({ authenticated_user: true }),
  fc.constant({ actor: 'human' }),
)
const { condition } = fc.letrec<{ condition: unknown }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    criterion,
    fc
      .tuple(
        fc.constantFrom('and', 'or', 'not', 'nor'),
        fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
      )
      .map(([name, list]) => ({ [name]: list })),
  ),
}))
const allow = fc.array(condition, { minLength: 1, maxLength: 3 }).map((list) => ({
  allow: { and: [{ authenticated_user: true }, ...list] },
}))
const denial = fc
  .array(condition, { minLength: 1, maxLength: 2 })
  .map((list) => ({ deny: { and: list } }))
const rules = fc
  .tuple(fc.array(allow, { minLength: 1, maxLength: 3 }), fc.array(denial, { maxLength: 2 }))
  .map((lists) => lists.flat())
const requests = fc.record({
  path: fc.constantFrom(...paths),
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT'),
  clientIp: fc.constantFrom('10.1.2.3', '203.0.113.9', '198.51.100.1'),
})
const claims = fc.constantFrom<Record<string, unknown>>(
  {},
  { department: 'ops' },
  { department: 'law', acr: 'mfa' },
)
const groups = fc.constantFrom<readonly string[]>([], ['sre'], ['platform'], ['sre', 'staff'])
const people: fc.Arbitrary<Principal> = fc.oneof(
  fc.constant(ANONYMOUS),
  fc.record({ groups, claims }).map((changes) => aPerson(changes)),
)

describe('policies of which facts can be left open', () => {
  test('decide as the server does where nothing is left open', () => {
    fc.assert(
      fc.property(rules, people, requests, (list, principal, request) => {
        const { served, open, worlds } = bothOf(list, [{ acr: ['mfa'], path: '/a' }])
        const facts = { request: aRequest(request), principal, now: NOW }
        const { outcomes } = worlds.explore({
          evaluate: () => open.decide(facts),
          keyOf: ({ effect }) => effect,
          whatIsOpen: () => undefined,
        })
        expect([...outcomes.values()].map(({ outcome }) => outcome)).toEqual([
          decide(served, facts),
        ])
      }),
      { numRuns: 100 },
    )
  })

  test('yes means every request of such a caller, and no means none', () => {
    fc.assert(
      fc.property(rules, groups, claims, requests, (list, names, has, request) => {
        const { served, cells } = bothOf(list)
        const person = aPerson({ groups: names, claims: has })
        const columns = columnsFor([], [{ name: 'p', principal: person }])
        const verdict = cells(columns).at(-1)?.verdict
        const facts = { request: aRequest(request), principal: person, now: NOW }
        const { effect } = decide(served, facts)
        if (effect === 'allow') expect(['yes', 'partly']).toContain(verdict)
        else expect(verdict).not.toBe('yes')
      }),
      { numRuns: 150 },
    )
  })

  test('a group column holds for whoever is in that group alone, whatever his claims', () => {
    fc.assert(
      fc.property(
        rules,
        fc.constantFrom('sre', 'platform'),
        claims,
        requests,
        (list, group, has, request) => {
          const { served, cells } = bothOf(list)
          const verdict = cells(columnsFor([group], [])).at(-1)?.verdict
          const person = aPerson({ groups: [group], claims: has })
          const { effect } = decide(served, {
            request: aRequest(request),
            principal: person,
            now: NOW,
          })
          if (effect === 'allow') expect(['yes', 'partly']).toContain(verdict)
          else expect(verdict).not.toBe('yes')
        },
      ),
      { numRuns: 150 },
    )
  })
})
