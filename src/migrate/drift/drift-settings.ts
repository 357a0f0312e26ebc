import { type GuardSettings } from '../ingress/guard.ts'
import { type HostRules } from '../ingress/host-rules.ts'

export type DriftSettings = {
  readonly guard: GuardSettings
  /** Undefined where no folder of policies was named. */
  readonly policies: readonly HostRules[] | undefined
  /** Every Ingress of these classes has to ask. */
  readonly classes: readonly string[]
  /** Ingresses that are open on purpose, as `namespace/name`. */
  readonly exempt: readonly string[]
  readonly presetHeaders: (app: string) => readonly string[]
}
