import { type AutheliaRule, autheliaRules, type Level } from './authelia-rule.ts'
import {
  allOf,
  type Condition,
  type DraftRule,
  type PolicyDraft,
  placeText,
  type Translation,
  todo,
  todoCondition,
} from './draft.ts'
import { covers } from './hosts.ts'
import { memberOf, originOf, rootOf, type SourceFile, textOf } from './source-file.ts'

/**
 * `access_control` of Authelia, where the first rule that matches decides, as rules of which the
 * order does not matter: an allow leaves out whatever an earlier, stricter rule takes.
 */
export const translateAuthelia = (source: SourceFile): Translation => {
  const section = memberOf(rootOf(source), 'access_control')
  if (section === undefined) {
    const why = 'there is no access_control in this file. Name the one that has it'
    return {
      drafts: [],
      leftovers: [{ origin: { file: source.file, line: 1 }, what: 'access_control', why }],
    }
  }
  const { rules, leftovers } = autheliaRules(source, section)
  const hosts = [...new Set(rules.flatMap(({ domains }) => domains))]
  const fallback = textOf(memberOf(section, 'default_policy')) ?? 'deny'
  const fallbackSpot = memberOf(section, 'default_policy') ?? section
  return {
    drafts: hosts.map((host) => draftOf(host, rules, fallback)),
    leftovers: [
      ...leftovers,
      ...(fallback === 'deny'
        ? []
        : [
            {
              origin: originOf(fallbackSpot),
              what: `default_policy: ${fallback}`,
              why: 'covered every host that no rule names. Write a policy for each of them; without one nobody passes',
            },
          ]),
    ],
  }
}

/** How much is asked for; a later rule must not undercut an earlier one. */
const STRICTNESS: Readonly<Record<Level, number>> = {
  bypass: 0,
  one_factor: 1,
  two_factor: 2,
  deny: 3,
}

const draftOf = (host: string, all: readonly AutheliaRule[], fallback: string): PolicyDraft => {
  const relevant = all
    .filter((rule) => isListed(rule, host) || rule.domainTodo !== undefined)
    .map((rule) => ({ ...rule, host: isListed(rule, host) ? [] : domainTodos(rule) }))
  const listed = relevant.filter((rule) => rule.host.length === 0)
  return {
    hosts: [host],
    comments: [
      `From access_control of Authelia (${listed.map(({ origin }) => placeText(origin)).join(', ')}).`,
      ...(fallback === 'deny'
        ? []
        : [`What no rule matched was ${fallback} there; here it is denied.`]),
    ],
    rules: listed.flatMap((rule) => ruleFor(rule, relevant.slice(0, relevant.indexOf(rule)))),
  }
}

/** A rule as one host sees it: what is open about the host is a condition. */
type HostRule = AutheliaRule & { readonly host: readonly Condition[] }

const isListed = ({ domains }: AutheliaRule, host: string): boolean =>
  domains.some((domain) => covers(domain, host))

/** A rule by regular expression may be about any host. */
const domainTodos = ({ domainTodo }: AutheliaRule): readonly Condition[] =>
  domainTodo === undefined ? [] : [todoCondition(`whether ${domainTodo} means this host`)]

const ruleFor = (rule: HostRule, earlier: readonly HostRule[]): readonly DraftRule[] => {
  const stricter = earlier.filter(
    (other) => STRICTNESS[other.level] > STRICTNESS[rule.level] && !isDenyAlone(other, earlier),
  )
  if (stricter.some(takesEverything)) return []
  if (!rule.isCarried) return []
  if (rule.level === 'deny') return isDenyAlone(rule, [...earlier, rule]) ? [denyOf(rule)] : []
  return [
    {
      action: 'allow',
      conditions: [...grantOf(rule), ...stricter.map(exclusionOf)],
      isPublic: rule.level === 'bypass',
      comments: commentsOf(rule),
    },
  ]
}

const commentsOf = ({ origin, level, notes }: HostRule): readonly string[] => [
  `${placeText(origin)}: policy ${level}`,
  ...notes,
]

/**
 * Where no allow stands before it, a deny is a deny; else later allows leave it out. They also leave
 * out one that asks who it is: in a deny, what is absent was not found.
 */
const isDenyAlone = (rule: HostRule, among: readonly HostRule[]): boolean =>
  rule.level === 'deny' &&
  rule.subjects.length === 0 &&
  among.slice(0, among.indexOf(rule)).every(({ level }) => level === 'deny')

const denyOf = (rule: HostRule): DraftRule => ({
  action: 'deny',
  conditions: [
    ...rule.host,
    ...rule.excluded,
    ...rule.todos.map((what) => todoCondition(`refuse what ${what}`)),
  ],
  isPublic: false,
  comments: commentsOf(rule),
})

const takesEverything = ({ host, subjects, excluded, todos }: HostRule): boolean =>
  [host, subjects, excluded, todos].every((part) => part.length === 0)

/** As much as the rule may have taken: what cannot be said has to be filled in first. */
const exclusionOf = ({ host, subjects, excluded, todos }: HostRule): Condition => ({
  not: [
    allOf([
      ...host,
      ...subjects,
      ...excluded,
      ...todos.map((what) => todoCondition(`leave out what ${what}`)),
    ]),
  ],
})

const grantOf = (rule: HostRule): readonly Condition[] => [
  ...identityOf(rule),
  ...rule.request,
  ...[...rule.todos, ...rule.grantTodos].map(todoCondition),
]

const identityOf = ({ level, subjects }: HostRule): readonly Condition[] => {
  if (level === 'bypass') return []
  const who = subjects.length === 0 ? [{ authenticated_user: true }] : subjects
  return level === 'two_factor'
    ? [...who, { acr: todo('what your provider puts into acr after a second factor') }]
    : who
}
