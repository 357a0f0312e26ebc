import { stringify } from 'yaml'
import { type AnnotationChange, invert } from '../migrate/ingress/annotation-change.ts'
import { type IngressPlan, isEmpty } from '../migrate/ingress/ingress-plan.ts'
import {
  backwardJson,
  backwardMerge,
  forwardJson,
  forwardMerge,
  type PlanFile,
} from '../migrate/ingress/plan-files.ts'
import { type Selected } from '../migrate/ingress/select-ingresses.ts'
import { asksVestibule } from '../migrate/inventory/controls.ts'
import { shownUrl } from '../migrate/inventory/shown.ts'
import { printable } from './printable.ts'

export type ReportFormat = 'text' | 'merge' | 'json-patch'

export type PlanReport = Pick<Selected, 'leftOut'> & { readonly plans: readonly IngressPlan[] }

export type ReportOptions = {
  readonly format: ReportFormat
  readonly isRollback: boolean
  readonly out: string | undefined
  readonly json: boolean
}

export const planReport = (report: PlanReport, options: ReportOptions): string => {
  if (options.json) return planJson(report)
  const changing = report.plans.filter(({ changes }) => changes.length > 0)
  switch (options.format) {
    case 'text':
      return planText(report, options)
    case 'json-patch':
      return asJson(changing.map(options.isRollback ? backwardJson : forwardJson))
    case 'merge': {
      const twins = options.isRollback
        ? []
        : report.plans.flatMap((plan) => plan.twins.map(({ manifest }) => manifest))
      return [...changing.map(options.isRollback ? backwardMerge : forwardMerge), ...twins]
        .map(asYaml)
        .join('---\n')
        .trimEnd()
    }
  }
}

const asJson = (value: unknown): string => JSON.stringify(value, null, 2)

/** Values of annotations are texts, whatever they look like; long ones stay on their line. */
const asYaml = (value: unknown): string =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })

export const fileText = ({ format, content }: PlanFile): string =>
  format === 'json' ? `${asJson(content)}\n` : asYaml(content)

const planJson = ({ plans, leftOut }: PlanReport): string =>
  asJson({
    ok: plans.every(({ obstacles }) => obstacles.length === 0),
    ingresses: plans.map((plan) => ({
      namespace: plan.ingress.namespace,
      name: plan.ingress.name,
      hosts: plan.ingress.hosts,
      file: plan.ingress.object.origin.file,
      line: plan.ingress.object.origin.line,
      preset: plan.preset,
      changes: plan.changes,
      mergePatch: forwardMerge(plan),
      jsonPatch: forwardJson(plan).patch,
      rollback: { mergePatch: backwardMerge(plan), jsonPatch: backwardJson(plan).patch },
      twins: plan.twins.map(({ manifest }) => manifest),
      obstacles: plan.obstacles,
      notes: plan.notes,
    })),
    leftOut: leftOut.map(({ ingress, why }) => ({
      namespace: ingress.namespace,
      name: ingress.name,
      why,
    })),
  })

const planText = ({ plans, leftOut }: PlanReport, options: ReportOptions): string =>
  [
    ...plans.flatMap((plan) => [...planLines(plan, options.isRollback), '']),
    ...leftOut.map(
      ({ ingress, why }) =>
        `Left out: ${printable(`${ingress.namespace}/${ingress.name}`)} ${why}.`,
    ),
    ...(leftOut.length === 0 ? [] : ['']),
    nextStep(plans, options.out),
  ].join('\n')

const planLines = (plan: IngressPlan, isRollback: boolean): readonly string[] => {
  const { ingress, obstacles, twins, notes } = plan
  const { file, line } = ingress.object.origin
  const title = `Ingress ${ingress.namespace}/${ingress.name} (${ingress.hosts.join(', ')})  ${file}:${line}`
  const changes = isRollback ? invert(plan.changes) : plan.changes
  return [
    title,
    ...obstacles.map((each) => `  cannot be guarded: ${each}.`),
    ...(isEmpty(plan) ? ['  is guarded already; nothing to change'] : []),
    ...changes.flatMap(changeLines),
    ...twins.map(
      ({ manifest, paths }) =>
        `  + Ingress ${manifest.metadata.name} for ${paths.map(({ path }) => path).join(', ')}, without sign-in`,
    ),
    ...(isRollback ? [] : notes.map((note) => `  note: ${note}`)),
  ].map(printable)
}

const changeLines = ({ name, before, after, why }: AnnotationChange): readonly string[] => [
  ...(before === undefined ? [] : [`  - ${name}: ${shown(name, before)}`]),
  ...(after === undefined ? [] : [`  + ${name}: ${shown(name, after)}`]),
  `      ${why}`,
]

/** People keep credentials in snippets and URLs, and this is read over shoulders; patches have them. */
const shown = (name: string, value: string): string => {
  if (name.endsWith('-snippet')) {
    const lines = value.trim().split('\n').length
    return `${lines} ${lines === 1 ? 'line' : 'lines'}, which are not shown here`
  }
  const isOther = name.endsWith('/auth-url') && !asksVestibule(value)
  const text = JSON.stringify(isOther ? shownUrl(value) : value)
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

const nextStep = (plans: readonly IngressPlan[], out: string | undefined): string => {
  if (plans.every(isEmpty)) return 'Nothing to do. Next: vestibule migrate networkpolicy.'
  return out === undefined
    ? 'Write patches and a kustomize component to a folder with --out.'
    : `Written to ${out}. Apply: components: [${out}/component] in your kustomization, or kubectl patch ingress NAME --type json --patch-file ${out}/json-patch/FILE. Back: the same with rollback.`
}
