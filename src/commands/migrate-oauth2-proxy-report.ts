import { stringify } from 'yaml'
import { type Converted, type FlagFate } from '../migrate/oauth2-proxy/vestibule-config.ts'
import { placeText, type Translation } from '../migrate/translate/draft.ts'
import { draftFileName, draftText } from '../migrate/translate/draft-text.ts'
import { leftoverJson } from './migrate-translate-report.ts'
import { printable } from './printable.ts'

export type ProxyReport = Converted & { readonly translation: Translation }

export type TextFile = { readonly name: string; readonly text: string }

export const proxyFiles = ({ config, translation }: ProxyReport): readonly TextFile[] => [
  { name: 'vestibule.yaml', text: stringify(config, { lineWidth: 0 }) },
  ...translation.drafts.map((draft) => ({
    name: `policies/${draftFileName(draft)}`,
    text: draftText(draft),
  })),
]

export const proxyReportJson = (report: ProxyReport): string =>
  JSON.stringify(
    {
      files: proxyFiles(report),
      config: report.config,
      flags: report.flags,
      leftovers: report.translation.leftovers.map(leftoverJson),
    },
    null,
    2,
  )

export const proxyReportText = (report: ProxyReport, out: string | undefined): string => {
  const files = proxyFiles(report)
  const { leftovers } = report.translation
  return [
    ...files.map(({ name, text }) =>
      out === undefined ? `# ----- ${name}\n${text}` : `${out}/${name}`,
    ),
    '',
    ...report.flags.map(flagText),
    ...(leftovers.length === 0 ? [] : ['', 'Not carried over, or not as it was:']),
    ...leftovers.map(
      ({ origin, what, why }) => `  ${printable(placeText(origin))}: ${printable(what)}: ${why}.`,
    ),
    '',
    out === undefined
      ? 'Write the files to a folder with --out.'
      : `Fill in what says TODO, then: vestibule check --config ${out}/vestibule.yaml`,
  ].join('\n')
}

const FATES = { carried: '→', rule: '→', none: '×' } as const

const flagText = ({ flag, place, fate, text }: FlagFate): string =>
  printable(`  ${FATES[fate]} --${flag} (${place}): ${text}`)
