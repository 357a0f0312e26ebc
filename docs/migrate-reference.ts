import { HOLES, LAST_RELEASES, releaseText } from '../src/migrate/inventory/controller-release.ts'
import { FINDING_FAMILIES } from '../src/migrate/inventory/registry.ts'
import { STAGES } from '../src/migrate/report/stage.ts'
import { FINDINGS } from '../src/migrate/verify/finding.ts'
import { PRESET_GUIDES } from '../src/presets/application-guides.ts'
import { APPLICATION_PRESETS, type ApplicationPreset } from '../src/presets/applications.ts'
import { FINGERPRINTS } from '../src/presets/fingerprints.ts'
import { type MachinePath } from '../src/presets/preset-guide.ts'

/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|')

const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => [
  `| ${head.join(' | ')} |`,
  `| ${head.map(() => '---').join(' | ')} |`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  '',
]

export const inventoryReference = (): string =>
  Object.entries(FINDING_FAMILIES)
    .flatMap(([family, kinds]) => [
      `### ${family}`,
      '',
      ...table(
        ['finding', 'severity', 'what it means', 'what to do'],
        Object.entries(kinds).map(([id, { severity, title, why, next }]) => [
          `\`${id}\``,
          severity,
          `${title}. ${why}`,
          next,
        ]),
      ),
    ])
    .join('\n')

export const holesReference = (): string =>
  table(
    ['hole', 'what', 'without it since'],
    HOLES.map(({ id, what, fixed }) => [id, what, fixed.map(releaseText).join(', ')]),
  )
    .concat(`The last releases of all are ${LAST_RELEASES.map(releaseText).join(', ')}.\n`)
    .join('\n')

export const applicationsReference = (): string =>
  table(
    ['application', 'recognised by images such as', 'preset', 'advice'],
    FINGERPRINTS.map(({ title, images: [image = ''], preset, advice }) => [
      title,
      `\`${image}\``,
      preset === undefined ? '' : `[\`${preset}\`](#${preset})`,
      advice,
    ]),
  ).join('\n')

export const presetsReference = (): string =>
  APPLICATION_PRESETS.flatMap((preset) => [
    `### ${preset.name}`,
    '',
    preset.about,
    '',
    ...presetLines(preset),
  ]).join('\n')

const presetLines = ({ name, headers }: ApplicationPreset): readonly string[] => {
  const guide = PRESET_GUIDES[name]
  const { settings = [], machinePaths = [], notes = [] } = guide ?? {}
  return [
    ...bullets([
      ...(headers.length === 0
        ? []
        : [`Headers: ${headers.map(([header]) => `\`${header}\``).join(', ')}.`]),
      ...(guide?.hasOwnTokens === true
        ? ['It has bearer tokens of its own: `credentials: [cookie]` in its policy.']
        : []),
      ...machinePaths.map(pathText),
      ...notes,
    ]),
    ...(settings.length === 0 ? [] : ['```', ...settings, '```', '']),
  ]
}

const pathText = ({ path, callers, checkedBy }: MachinePath): string =>
  checkedBy === 'vestibule'
    ? `\`${path}\` is called by ${callers}; a twin Ingress answers them 401.`
    : `\`${path}\` is called by ${callers}, whom only the application can check.`

const bullets = (texts: readonly string[]): readonly string[] =>
  texts.length === 0 ? [] : [...texts.map((text) => `- ${text}`), '']

export const verifyReference = (): string =>
  table(
    ['finding', 'what to look at'],
    Object.entries(FINDINGS).map(([id, remedy]) => [`\`${id}\``, remedy]),
  ).join('\n')

export const stagesReference = (): string =>
  table(
    ['stage', 'meaning'],
    Object.entries(STAGES).map(([id, meaning]) => [`\`${id}\``, meaning]),
  ).join('\n')
