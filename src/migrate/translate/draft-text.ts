import { BUFFER_SIZE } from '../ingress/guard.ts'
import { type DraftRule, type PolicyDraft, todo } from './draft.ts'

/** A policy file from a draft: YAML that people go on writing, so with comments and short lines. */
export const draftText = ({ hosts, comments, rules }: PolicyDraft): string =>
  [
    ...comments.map(comment),
    `hosts: [${hosts.map(flow).join(', ')}]`,
    `owner: ${flow(todo('the address of the team that answers for these hosts'))}`,
    // Only people came in before; a bearer token of some issuer must not begin to count by itself.
    'credentials: [cookie]',
    // As the Ingress will say: cookies of the application pass through the same buffer.
    `proxyBufferSize: ${BUFFER_SIZE}`,
    'policy:',
    ...(rules.length === 0 ? NOBODY : rules).flatMap(ruleLines),
    '',
  ].join('\n')

/** Nothing was admitted, or nothing of it could be carried over; either way somebody has to say. */
const NOBODY: readonly DraftRule[] = [
  {
    action: 'allow',
    conditions: [{ groups: { has: todo('the group that may pass') } }],
    isPublic: false,
    comments: [],
  },
]

const ruleLines = ({ action, conditions, isPublic, comments }: DraftRule): readonly string[] => [
  ...comments.map((text) => `  ${comment(text)}`),
  `  - ${action}:`,
  '      and:',
  ...(conditions.length === 0 ? [{ accept: true }] : conditions).map(
    (condition) => `        - ${flow(condition)}`,
  ),
  ...(isPublic
    ? [
        '    public: true',
        `    owner: ${flow(todo('who answers for what is open to everybody'))}`,
        `    until: ${flow(todo('the last day on which it is open'))}`,
      ]
    : []),
]

/** One line each, whatever was read. */
const comment = (text: string): string =>
  `# ${text.replace(/[\p{Cc}\u2028\u2029\ufeff]+/gu, ' ').slice(0, 500)}`

/** YAML flow style; a plain scalar only where nobody could take it for something else. */
const flow = (value: unknown): string => {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    return `[${items.map(flow).join(', ')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]: readonly [string, unknown]) => `${scalar(name)}: ${flow(member)}`,
    )
    return `{ ${members.join(', ')} }`
  }
  return typeof value === 'string' ? scalar(value) : JSON.stringify(value ?? null)
}

const PLAIN = /^[A-Za-z/][A-Za-z0-9@._/-]*$/
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i

const scalar = (text: string): string =>
  PLAIN.test(text) && !WORDS.test(text) ? text : quoted(text)

/** JSON is YAML, but for what YAML calls not printable. */
const quoted = (text: string): string =>
  JSON.stringify(text.toWellFormed()).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** `wildcard.example.com.yaml`; a name that every file system takes. */
export const draftFileName = ({ hosts: [first = 'unnamed'] }: PolicyDraft): string =>
  `${first
    .replace(/^\*\./, 'wildcard.')
    .replaceAll(/[^A-Za-z0-9.-]+/g, '-')
    .slice(0, 200)}.yaml`
