import { type EpochSeconds } from '../ids.ts'
import { type Column, openFor } from './access-columns.ts'
import {
  accessMatrix,
  type Cell,
  factsOf,
  hostLabels,
  modeText,
  representative,
} from './access-matrix.ts'
import { type Facts } from './criterion.ts'
import { type OpenPolicies, type OpenPolicy } from './open-policies.ts'
import { openValues } from './open-values.ts'
import { type PolicySet } from './policy.ts'
import { type Worlds } from './worlds.ts'

export type AccessChange = {
  readonly host: string
  readonly column: Pick<Column, 'kind' | 'name'>
  /** Undefined where the host has no policy. */
  readonly before: Cell | undefined
  readonly after: Cell | undefined
  /** Facts of a request that is let through after the change only; undefined if there is none. */
  readonly gains: readonly string[] | undefined
  readonly losses: readonly string[] | undefined
}

export type HostChange = {
  readonly host: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** What a change of policies does to hosts and people. */
export type AccessDiff = {
  readonly before: string
  readonly after: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly modes: readonly ModeChange[]
  readonly owners: readonly HostChange[]
  readonly access: readonly AccessChange[]
}

/** `opens`: more callers are let through without a rule; `closes`: fewer are. */
export type ModeChange = HostChange & { readonly effect: 'opens' | 'closes' | 'shifts' }

export type Compared = {
  readonly before: OpenPolicies
  readonly after: OpenPolicies
  /** The worlds that both sets were compiled with. */
  readonly worlds: Worlds
}

export const accessDiff = (
  { before, after, worlds }: Compared,
  columns: readonly Column[],
  now: EpochSeconds,
): AccessDiff => {
  const old = hostLabels(before.served)
  const fresh = hostLabels(after.served)
  const hosts = [...new Set([...old, ...fresh])].sort()
  const cellsBefore = cellsOf(before, worlds, columns, now)
  const cellsAfter = cellsOf(after, worlds, columns, now)
  return {
    before: before.served.version,
    after: after.served.version,
    added: fresh.filter((host) => !old.includes(host)),
    removed: old.filter((host) => !fresh.includes(host)),
    modes: hosts.flatMap((host) => modeChange(host, before.served, after.served, now)),
    owners: hosts.flatMap((host) => ownerChange(host, before.served, after.served)),
    access: hosts.flatMap((host) =>
      columns.flatMap((column, index): readonly AccessChange[] => {
        const { gains, losses } = comparedFor(host, column, { before, after, worlds }, now)
        if (gains === undefined && losses === undefined) return []
        const { kind, name } = column
        const cells = {
          before: cellsBefore.get(host)?.[index],
          after: cellsAfter.get(host)?.[index],
        }
        return [{ host, column: { kind, name }, ...cells, gains, losses }]
      }),
    ),
  }
}

const cellsOf = (
  policies: OpenPolicies,
  worlds: Worlds,
  columns: readonly Column[],
  now: EpochSeconds,
): ReadonlyMap<string, readonly Cell[]> =>
  new Map(accessMatrix(policies, worlds, columns, now).rows.map(({ host, cells }) => [host, cells]))

/** Both sets are asked in the same worlds, so that `partly` is compared request by request. */
const comparedFor = (
  host: string,
  column: Column,
  { before, after, worlds }: Compared,
  now: EpochSeconds,
): Pick<AccessChange, 'gains' | 'losses'> => {
  const name = representative(host)
  if (name === undefined) return { gains: undefined, losses: undefined }
  const policies = [before.find(name), after.find(name)]
  const leaves = policies.flatMap((policy) => policy?.leaves ?? [])
  const facts = factsOf(name, column.principal, now)
  const { outcomes } = worlds.explore({
    evaluate: () => policies.map((policy) => isAllowed(policy, facts)).join(),
    keyOf: (outcome) => outcome,
    whatIsOpen: openFor(column, openValues(leaves, facts)),
  })
  return { gains: outcomes.get('no,yes')?.facts, losses: outcomes.get('yes,no')?.facts }
}

const isAllowed = (policy: OpenPolicy | undefined, facts: Facts): 'yes' | 'no' =>
  policy?.decide(facts).effect === 'allow' ? 'yes' : 'no'

const policyOf = (
  { exact, below }: PolicySet,
  label: string,
): ReturnType<PolicySet['exact']['get']> =>
  label.startsWith('*.') ? below.get(label.slice(2)) : exact.get(label)

const modeChange = (
  host: string,
  before: PolicySet,
  after: PolicySet,
  now: EpochSeconds,
): readonly ModeChange[] => {
  const [old, fresh] = [policyOf(before, host), policyOf(after, host)]
  const [from, to] = [old, fresh].map((each) => each && modeText(each.mode, now))
  const isNewAndEnforced = old === undefined && to === 'enforce'
  if (fresh === undefined || from === to || isNewAndEnforced) return []
  const change = { host, before: from, after: to }
  if (to === 'enforce') return [{ ...change, effect: 'closes' }]
  const effect = from === undefined || from === 'enforce' ? 'opens' : 'shifts'
  return [{ ...change, effect }]
}

const ownerChange = (host: string, before: PolicySet, after: PolicySet): readonly HostChange[] => {
  const [old, fresh] = [policyOf(before, host), policyOf(after, host)]
  if (old === undefined || fresh === undefined || old.owner === fresh.owner) return []
  return [{ host, before: old.owner, after: fresh.owner }]
}
