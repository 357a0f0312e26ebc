import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { readManifests } from '../../src/edge/manifests/read-manifests.ts'
import { type Cluster, clusterOf } from '../../src/migrate/cluster.ts'
import { annotationComplaint } from '../../src/migrate/ingress/annotation-rules.ts'
import { run } from '../commands/policy-lint-support.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/cluster')

type Labels = Readonly<Record<string, string>>
type Operation = { readonly op: string; readonly path: string; readonly value?: unknown }
type Planned = {
  readonly namespace: string
  readonly name: string
  readonly jsonPatch: readonly Operation[]
  readonly mergePatch: { readonly metadata: { readonly annotations: Patch } }
  readonly rollback: {
    readonly jsonPatch: readonly Operation[]
    readonly mergePatch: { readonly metadata: { readonly annotations: Patch } }
  }
  readonly twins: readonly { readonly metadata: { readonly annotations: Labels } }[]
}
type Patch = Readonly<Record<string, string | null>>

let cluster: Cluster
beforeAll(async () => {
  const { objects } = await readManifests([FIXTURES], process.stdin)
  cluster = clusterOf(objects)
})

const merged = (annotations: Labels, patch: Patch): Labels => {
  const result = new Map(Object.entries(annotations))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, value)
  }
  return Object.fromEntries(result)
}

const patched = (annotations: Labels, operations: readonly Operation[]): Labels => {
  const result = new Map(Object.entries(annotations))
  for (const { op, path, value } of operations) {
    if (path === '/metadata/annotations') continue
    const name = path
      .slice('/metadata/annotations/'.length)
      .replaceAll('~1', '/')
      .replaceAll('~0', '~')
    if (op === 'test') expect(result.get(name)).toBe(value)
    else if (op === 'remove') expect(result.delete(name)).toBe(true)
    else result.set(name, String(value))
  }
  return Object.fromEntries(result)
}

describe('every Ingress of a realistic cluster', () => {
  test.each(['observe', 'enforce'])('%s: patch, then inverse, is what it was', async (stage) => {
    const command = ['migrate', 'ingress', FIXTURES, '--public-url', 'https://auth.example.com']
    const { out } = await run([...command, '--stage', stage, '--app', 'grafana-proxy', '--json'])
    const { ingresses } = JSON.parse(out) as { readonly ingresses: readonly Planned[] }
    expect(ingresses.length).toBeGreaterThan(10)
    for (const { namespace, name, ...plan } of ingresses) {
      const before =
        cluster.ingresses.find((each) => each.namespace === namespace && each.name === name)?.object
          .annotations ?? {}
      const after = patched(before, plan.jsonPatch)
      expect(merged(before, plan.mergePatch.metadata.annotations)).toEqual(after)
      expect(patched(after, plan.rollback.jsonPatch)).toEqual(before)
      expect(merged(after, plan.rollback.mergePatch.metadata.annotations)).toEqual(before)
      const made = [
        ...Object.entries(plan.mergePatch.metadata.annotations),
        ...plan.twins.flatMap(({ metadata }) =>
          Object.entries(metadata.annotations).filter(([key]) =>
            /\/(?:auth-|proxy-buffer)/.test(key),
          ),
        ),
      ]
      const refused = made.flatMap(([key, value]) =>
        value === null ? [] : (annotationComplaint(key, value) ?? []),
      )
      expect(refused).toEqual([])
    }
  })

  test('gets a policy that waits for somebody', async () => {
    const { out } = await run(['migrate', 'translate', FIXTURES, '--json'])
    const { policies } = JSON.parse(out) as {
      readonly policies: readonly { readonly hosts: readonly string[]; readonly text: string }[]
    }
    const hosts = new Set(cluster.ingresses.flatMap((ingress) => ingress.hosts))
    expect(policies.length).toBeGreaterThan(10)
    expect(policies.filter(({ hosts: [host = ''] }) => !hosts.has(host))).toEqual([])
    expect(policies.filter(({ text }) => !text.includes('TODO'))).toEqual([])
    const textOf = (host: string): string =>
      policies.find(({ hosts: [first] }) => first === host)?.text ?? ''
    expect(textOf('grafana.brackwater.example')).toContain('# It looks like Grafana.')
    // It asks Vestibule already, so its policy is there.
    expect(textOf('headlamp.brackwater.example')).toBe('')
  })

  test('has back ends of which it is proved who reaches them', async () => {
    const { out, code } = await run(['migrate', 'networkpolicy', FIXTURES, '--json'])
    const { backEnds, findings } = JSON.parse(out) as {
      readonly backEnds: readonly { readonly after: readonly unknown[] }[]
      readonly findings: readonly { readonly id: string }[]
    }
    expect(code).toBe(1)
    expect(backEnds.length).toBeGreaterThan(10)
    expect(findings.map(({ id }) => id)).toContain('still_reachable')
  })
})
