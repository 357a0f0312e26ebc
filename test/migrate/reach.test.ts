import { describe, expect, test } from '@jest/globals'
import {
  EVERYTHING,
  type Requirement,
  selectorOf,
  selects,
} from '../../src/migrate/network/label-selector.ts'
import {
  type NetworkPolicy,
  type PodFacts,
  type PolicyPeer,
  type PolicyPort,
} from '../../src/migrate/network/network-policy.ts'
import { egressVerdict, ingressVerdict, type Party } from '../../src/migrate/network/reach.ts'
import { aPod, aPolicy, inNamespace, podsPeer, tcp } from './support-network.ts'

const WEB = aPod('shop', { app: 'web' })
const SHOP_TOOL = aPod('shop', { app: 'tool' })
const CONTROLLER = aPod('ingress-nginx', { app: 'controller' })
const CONTROLLER_SHELL = aPod('ingress-nginx', { app: 'shell' })
/** Labelled as the controller is, by somebody who may write pods in another namespace. */
const IMPOSTOR = aPod('sandbox', { app: 'controller' })
const SHOP_IMPOSTOR = aPod('shop', { app: 'controller' })
const HOSTED = aPod('ingress-nginx', { app: 'controller' }, { onHostNetwork: true })

const SOURCES: Readonly<Record<string, PodFacts>> = {
  SHOP_TOOL,
  CONTROLLER,
  CONTROLLER_SHELL,
  IMPOSTOR,
  SHOP_IMPOSTOR,
}

const from = (pod: PodFacts): Party => ({ kind: 'pod', pod })
const outside = (address: string): Party => ({ kind: 'address', address })

const ask = (policies: readonly NetworkPolicy[], party: Party, port = 3000): string =>
  ingressVerdict(policies, { from: party, to: WEB, port, protocol: 'TCP' }).kind

/** Those of the five sources that get in. */
const admitted = (policies: readonly NetworkPolicy[]): readonly string[] =>
  Object.entries(SOURCES)
    .filter(([, pod]) => ['admitted', 'open'].includes(ask(policies, from(pod))))
    .map(([name]) => name)

const allowing = (peers: readonly PolicyPeer[], ports: readonly PolicyPort[] = []): NetworkPolicy =>
  aPolicy({ name: 'one', ingress: [{ peers, ports }] })

const EVERYBODY = ['SHOP_TOOL', 'CONTROLLER', 'CONTROLLER_SHELL', 'IMPOSTOR', 'SHOP_IMPOSTOR']
const controllerPods = selectorOf({ app: 'controller' })

describe('who is admitted, by hand', () => {
  test.each<readonly [string, readonly NetworkPolicy[], readonly string[]]>([
    ['no policy at all: everybody', [], EVERYBODY],
    [
      'a policy for other pods changes nothing',
      [aPolicy({ name: 'db', podSelector: selectorOf({ app: 'db' }) })],
      EVERYBODY,
    ],
    [
      'a policy of another namespace changes nothing',
      [aPolicy({ name: 'far', namespace: 'sandbox' })],
      EVERYBODY,
    ],
    [
      'a policy about egress alone leaves ingress open',
      [aPolicy({ name: 'out', policyTypes: ['Egress'] })],
      EVERYBODY,
    ],
    ['a policy without rules: nobody', [aPolicy({ name: 'deny' })], []],
    [
      'an empty podSelector of the policy selects every pod of its namespace',
      [aPolicy({ name: 'deny-all', podSelector: EVERYTHING })],
      [],
    ],
    ['a rule without peers: everybody', [allowing([])], EVERYBODY],
    [
      'namespace AND pods in one element: only those pods of that namespace',
      [allowing([podsPeer(controllerPods, inNamespace('ingress-nginx'))])],
      ['CONTROLLER'],
    ],
    [
      'as two elements it is an OR, and lets in far more',
      [allowing([podsPeer(undefined, inNamespace('ingress-nginx')), podsPeer(controllerPods)])],
      ['CONTROLLER', 'CONTROLLER_SHELL', 'SHOP_IMPOSTOR'],
    ],
    [
      'a podSelector alone means pods of the policy’s own namespace',
      [allowing([podsPeer(controllerPods)])],
      ['SHOP_IMPOSTOR'],
    ],
    [
      'an empty podSelector in an element: every pod of the own namespace',
      [allowing([podsPeer(EVERYTHING)])],
      ['SHOP_TOOL', 'SHOP_IMPOSTOR'],
    ],
    [
      'an empty namespaceSelector: every pod everywhere',
      [allowing([podsPeer(undefined, EVERYTHING)])],
      EVERYBODY,
    ],
    [
      'an empty namespaceSelector with pods: such pods of any namespace',
      [allowing([podsPeer(controllerPods, EVERYTHING)])],
      ['CONTROLLER', 'IMPOSTOR', 'SHOP_IMPOSTOR'],
    ],
    [
      'two policies add up',
      [
        allowing([podsPeer(controllerPods, inNamespace('ingress-nginx'))]),
        aPolicy({
          name: 'old',
          ingress: [{ peers: [podsPeer(selectorOf({ app: 'tool' }))], ports: [] }],
        }),
      ],
      ['SHOP_TOOL', 'CONTROLLER'],
    ],
    [
      'a default-deny beside an allow takes nothing away',
      [
        aPolicy({ name: 'default-deny', podSelector: EVERYTHING }),
        allowing([podsPeer(controllerPods, inNamespace('ingress-nginx'))]),
      ],
      ['CONTROLLER'],
    ],
    ['a block of addresses names no pod', [allowing([block('192.0.2.0/24')])], []],
  ])('%s', (_name, policies, expected) => {
    expect(admitted(policies)).toEqual(expected)
  })
})

describe('ports', () => {
  const table = [
    ['no port: all', [], { 3000: true, 8080: true }],
    ['a number', [tcp(3000)], { 3000: true, 8080: false }],
    ['the name of a container port', [tcp('http')], { 3000: true, 8080: false }],
    ['a name that the pod does not have', [tcp('metrics')], { 3000: false, 8080: false }],
    ['a protocol without a port', [tcp()], { 3000: true, 8080: true }],
    ['another protocol', [{ ...tcp(3000), protocol: 'UDP' }], { 3000: false, 8080: false }],
    ['a range', [tcp(3000, 9000)], { 3000: true, 8080: true }],
    ['a range that ends before', [tcp(3000, 3001)], { 3000: true, 8080: false }],
    ['several', [tcp(1), tcp(8080)], { 3000: false, 8080: true }],
  ] as const
  test.each(table)('%s', (_name, ports, expected) => {
    const policy = allowing([], ports)
    for (const [port, isIn] of Object.entries(expected)) {
      expect(ask([policy], from(SHOP_TOOL), Number(port))).toBe(isIn ? 'admitted' : 'closed')
    }
  })

  test('a name means the same protocol too', () => {
    const dns = aPod(
      'shop',
      { app: 'web' },
      { ports: [{ name: 'http', port: 3000, protocol: 'UDP' }] },
    )
    const policy = allowing([], [tcp('http')])
    const connection = { from: from(SHOP_TOOL), to: dns, port: 3000, protocol: 'TCP' } as const
    expect(ingressVerdict([policy], connection).kind).toBe('closed')
  })
})

describe('addresses', () => {
  const policy = allowing([block('10.0.0.0/8', ['10.8.0.0/16'])])

  test.each([
    ['10.1.2.3', 'admitted'],
    ['10.8.0.1', 'closed'],
    ['192.0.2.1', 'closed'],
    ['2001:db8::1', 'closed'],
  ])('%s is %s', (address, expected) => {
    expect(ask([policy], outside(address))).toBe(expected)
  })

  test('IPv6 blocks hold IPv6 addresses', () => {
    const six = allowing([block('2001:db8::/32', ['2001:db8:1::/48'])])
    expect(ask([six], outside('2001:db8:2::1'))).toBe('admitted')
    expect(ask([six], outside('2001:db8:1::1'))).toBe('closed')
  })

  test('whether a block holds for a pod is left to the plugin, so nobody relies on it', () => {
    const known = aPod('shop', { app: 'tool' }, { addresses: ['10.1.0.1'] })
    const excepted = aPod('shop', { app: 'tool' }, { addresses: ['10.8.0.1'] })
    expect(ask([policy], from(known))).toBe('uncertain')
    expect(ask([policy], from(SHOP_TOOL))).toBe('uncertain')
    expect(ask([policy], from(excepted))).toBe('closed')
  })

  test('a selector names no address outside', () => {
    expect(ask([allowing([podsPeer(undefined, EVERYTHING)])], outside('10.1.2.3'))).toBe('closed')
  })
})

describe('the network of the node', () => {
  test('a caller on it has the address of the node, which a selector may not know', () => {
    const policy = allowing([podsPeer(controllerPods, inNamespace('ingress-nginx'))])
    expect(ask([policy], from(HOSTED))).toBe('uncertain')
    expect(ask([aPolicy({ name: 'deny' })], from(HOSTED))).toBe('uncertain')
  })

  test('a back end on it is not covered by any policy', () => {
    const to = { ...WEB, onHostNetwork: true }
    const connection = { from: from(SHOP_TOOL), to, port: 3000, protocol: 'TCP' } as const
    expect(ingressVerdict([aPolicy({ name: 'deny' })], connection)).toEqual({
      kind: 'uncertain',
      because: 'host_network',
      by: [],
    })
  })
})

describe('the side of the caller', () => {
  const connection = { from: from(SHOP_TOOL), to: WEB, port: 3000, protocol: 'TCP' } as const
  const outgoing = (peers: readonly PolicyPeer[], ports: readonly PolicyPort[] = []) =>
    aPolicy({
      name: 'egress',
      podSelector: selectorOf({ app: 'tool' }),
      policyTypes: ['Egress'],
      egress: [{ peers, ports }],
    })

  test.each([
    ['names the pods', [outgoing([podsPeer(selectorOf({ app: 'web' }))])], 'admitted'],
    ['names others', [outgoing([podsPeer(selectorOf({ app: 'db' }))])], 'closed'],
    ['names a port of the receiver', [outgoing([], [tcp('http')])], 'admitted'],
    ['is silent', [], 'open'],
  ] as const)('%s', (_name, policies, expected) => {
    expect(egressVerdict(policies, connection).kind).toBe(expected)
  })
})

describe('an admission says which rule of which policy', () => {
  test('all of them', () => {
    const tools = podsPeer(selectorOf({ app: 'tool' }))
    const first = aPolicy({ name: 'first', ingress: [{ peers: [tools], ports: [] }] })
    const second = aPolicy({
      name: 'second',
      ingress: [
        { peers: [podsPeer(controllerPods)], ports: [] },
        { peers: [], ports: [] },
      ],
    })
    const verdict = ingressVerdict([first, second], {
      from: from(SHOP_TOOL),
      to: WEB,
      port: 3000,
      protocol: 'TCP',
    })
    expect(
      verdict.kind === 'admitted' && verdict.by.map(({ policy, rule }) => [policy.name, rule]),
    ).toEqual([
      ['first', 0],
      ['second', 1],
    ])
  })
})

describe('matchExpressions', () => {
  const requirement = (operator: Requirement['operator'], values: readonly string[] = []) => ({
    matchLabels: {},
    matchExpressions: [{ key: 'tier', operator, values }],
  })
  test.each([
    ['In', requirement('In', ['a', 'b']), [true, false, false]],
    ['NotIn holds for what has no label', requirement('NotIn', ['a', 'b']), [false, true, true]],
    ['Exists', requirement('Exists'), [true, true, false]],
    ['DoesNotExist', requirement('DoesNotExist'), [false, false, true]],
  ] as const)('%s', (_name, selector, expected) => {
    expect([{ tier: 'a' }, { tier: 'c' }, {}].map((labels) => selects(selector, labels))).toEqual(
      expected,
    )
  })

  test('labels and expressions both have to hold', () => {
    const both = { ...requirement('Exists'), matchLabels: { app: 'web' } }
    expect(selects(both, { app: 'web', tier: 'a' })).toBe(true)
    expect(selects(both, { app: 'web' })).toBe(false)
    expect(selects(both, { tier: 'a' })).toBe(false)
  })

  test('a label called as a member of every object is no label of a pod without it', () => {
    expect(selects(selectorOf({ constructor: 'x' }), {})).toBe(false)
    expect(
      selects(
        {
          matchLabels: {},
          matchExpressions: [{ key: 'toString', operator: 'Exists', values: [] }],
        },
        {},
      ),
    ).toBe(false)
  })
})

function block(cidr: string, except: readonly string[] = []): PolicyPeer {
  return { kind: 'addresses', cidr, except }
}
