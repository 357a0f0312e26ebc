import { type Finding } from './finding.ts'
import { type Answered, type Step } from './step.ts'

/** What one request showed. */
export type Checked = {
  readonly step: Step
  readonly answered: Answered
  readonly findings: readonly Finding[]
  readonly seconds: number
}

/** What a plan leaves out: said aloud, since nobody looks for what is missing. */
export type LeftOut = { readonly host: string; readonly what: string }

export type Verification = {
  readonly run: string
  readonly checked: readonly Checked[]
  readonly leftOut: readonly LeftOut[]
}

export const isFine = ({ findings }: Checked): boolean => findings.length === 0
