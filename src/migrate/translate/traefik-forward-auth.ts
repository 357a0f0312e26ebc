import {
  allOf,
  anyOf,
  type Condition,
  type DraftRule,
  type Leftover,
  oneOf,
  type PolicyDraft,
  placeText,
  type Translation,
} from './draft.ts'
import {
  type ForwardAuthRule,
  type ForwardAuthSettings,
  readForwardAuthSettings,
} from './forward-auth-settings.ts'
import { type Gate } from './gate.ts'
import { readTraefikRule, type TraefikTarget } from './traefik-rule.ts'

export type ForwardAuth = {
  /** Hosts that its own rules name. */
  readonly translation: Translation
  /** Whom it lets in where none of its rules fits. */
  readonly gate: Gate
}

type Placed = {
  readonly rule: ForwardAuthRule
  readonly target: TraefikTarget
}

/** traefik-forward-auth: rules by host and path, and one answer for everything else. */
export const translateForwardAuth = (source: {
  readonly file: string
  readonly text: string
}): ForwardAuth => {
  const settings = readForwardAuthSettings(source.file, source.text)
  const leftovers: Leftover[] = [...settings.leftovers]
  const placed = settings.rules.flatMap((rule): readonly Placed[] => {
    const target = readTraefikRule(rule.rule)
    if (target.ok) return [{ rule, target: target.value }]
    leftovers.push({
      origin: rule.origin,
      what: `rule.${rule.name}.rule ${rule.rule}`,
      why: target.failure,
    })
    return []
  })
  const hosts = [...new Set(placed.flatMap(({ target }) => target.hosts))]
  return {
    translation: { drafts: hosts.map((host) => draftOf(host, placed, settings)), leftovers },
    gate: { ...defaultOf(settings), leftovers: [] },
  }
}

const draftOf = (
  host: string,
  all: readonly Placed[],
  settings: ForwardAuthSettings,
): PolicyDraft => {
  const placed = all.filter(({ target }) => target.hosts.includes(host))
  const elsewhere = placed.map(({ target }) => target.conditions)
  const rest = defaultOf(settings)
  const outside = elsewhere.map((conditions): Condition => ({ not: [allOf(conditions)] }))
  // A rule for the whole host leaves nothing to the default.
  const defaults = elsewhere.some((conditions) => conditions.length === 0)
    ? []
    : [...rest.open, ...whoRule(rest.who, 'default-action auth')]
  return {
    hosts: [host],
    comments: [
      `From traefik-forward-auth (${placed.map(({ rule }) => placeText(rule.origin)).join(', ')}).`,
      ...(placed.length > 1
        ? ['Which of two rules counted that fit the same request was left to chance there.']
        : []),
    ],
    rules: [
      ...placed.map(({ rule, target }) => ruleOf(rule, target, settings)),
      ...defaults.map((rule) => ({ ...rule, conditions: [...rule.conditions, ...outside] })),
    ],
  }
}

const ruleOf = (
  rule: ForwardAuthRule,
  target: TraefikTarget,
  settings: ForwardAuthSettings,
): DraftRule => {
  const comments = [`${placeText(rule.origin)}: rule.${rule.name}`]
  if (rule.action === 'allow') {
    return { action: 'allow', isPublic: true, conditions: target.conditions, comments }
  }
  const own = rule.whitelist.length + rule.domains.length > 0
  const who = whoOf(own ? rule : settings, settings.isEither)
  return { action: 'allow', isPublic: false, conditions: [...who, ...target.conditions], comments }
}

const defaultOf = (settings: ForwardAuthSettings): Omit<Gate, 'leftovers'> =>
  settings.defaultAction === 'allow'
    ? {
        who: [],
        open: [
          {
            action: 'allow',
            isPublic: true,
            conditions: [],
            comments: ['default-action allow let in everybody'],
          },
        ],
      }
    : { who: whoOf(settings, settings.isEither), open: [] }

const whoRule = (who: readonly Condition[], comment: string): readonly DraftRule[] =>
  who.length === 0
    ? []
    : [{ action: 'allow', isPublic: false, conditions: who, comments: [comment] }]

type Lists = { readonly whitelist: readonly string[]; readonly domains: readonly string[] }

/** The list of addresses counts alone, unless match-whitelist-or-domain says otherwise. */
const whoOf = ({ whitelist, domains }: Lists, isEither: boolean): readonly Condition[] => {
  const alternatives: readonly Condition[] = [
    ...(whitelist.length === 0 ? [] : [{ email: oneOf(whitelist) }]),
    ...(domains.length === 0 || (whitelist.length > 0 && !isEither)
      ? []
      : [{ domain: oneOf(domains) }]),
  ]
  return alternatives.length === 0 ? [{ authenticated_user: true }] : [anyOf(alternatives)]
}
