import {
  anyOf,
  type Condition,
  type DraftRule,
  type Leftover,
  oneOf,
  placeText,
  todo,
  todoCondition,
} from './draft.ts'
import { type Gate } from './gate.ts'
import {
  isTrue,
  memberOf,
  membersOf,
  originOf,
  rootOf,
  type SourceFile,
  type Spot,
  textsOf,
} from './source-file.ts'

/** Whom vouch-proxy lets in, on whatever host it is asked about: the first list that is there counts. */
export const gateOfVouch = (source: SourceFile): Gate => {
  const section = memberOf(rootOf(source), 'vouch') ?? rootOf(source)
  const leftovers: Leftover[] = []
  const note = (name: string, why: string): void => {
    const spot = memberOf(section, name)
    if (spot !== undefined) leftovers.push({ origin: originOf(spot), what: name, why })
  }
  note('headers', 'identity headers have names of their own; see auth-response-headers')
  note('jwt', 'sessions are kept on the server, and no token of another service counts')
  note('post_logout_redirect_uris', 'people are sent back to hosts that a policy names')
  const spot = memberOf(section, 'publicAccess')
  return {
    who: whoOf(section, leftovers),
    open: isTrue(spot) && spot !== undefined ? [publicRule(spot)] : [],
    leftovers,
  }
}

const publicRule = (spot: Spot): DraftRule => ({
  action: 'allow',
  conditions: [],
  isPublic: true,
  comments: [`${placeText(originOf(spot))}: publicAccess let in everybody, signed in or not`],
})

const whoOf = (section: Spot, leftovers: Leftover[]): readonly Condition[] => {
  const whiteList = listOf(section, 'whiteList')
  const teams = listOf(section, 'teamWhitelist')
  const domains = listOf(section, 'domains')
  if (isTrue(memberOf(section, 'allowAllUsers'))) return [{ authenticated_user: true }]
  if (whiteList.length > 0) return [anyOf(usersOf(whiteList))]
  if (teams.length > 0) return teamsOf(section, teams, leftovers)
  if (domains.length > 0) return [anyOf(domains.flatMap(domainOf))]
  return [{ authenticated_user: true }]
}

/** Written in either case in its own examples. */
const listOf = (section: Spot, name: string): readonly string[] =>
  membersOf(section)
    .filter(([key]) => key.toLowerCase() === name.toLowerCase())
    .flatMap(([, spot]) => textsOf(spot))

/** Names of users are addresses with most providers. */
const usersOf = (names: readonly string[]): readonly Condition[] => {
  const addresses = names.filter((name) => /^[^\s@]+@[^\s@]+$/.test(name))
  const others = names.filter((name) => !addresses.includes(name))
  return [
    ...(addresses.length === 0 ? [] : [{ email: oneOf(addresses) }]),
    ...others.map((name) => ({ user: todo(`the subject or address of ${name}`) })),
  ]
}

const teamsOf = (
  section: Spot,
  teams: readonly string[],
  leftovers: Leftover[],
): readonly Condition[] => {
  const spot = memberOf(section, 'teamWhitelist') ?? section
  const what = `teamWhitelist ${teams.join(', ')}`
  leftovers.push({
    origin: originOf(spot),
    what,
    why: 'teams were asked of the provider’s own interface. Put them into a claim or group',
  })
  return [todoCondition(`the group that stands for ${what}`)]
}

/** A domain there covers what is below it (`domains.IsUnderManagement`). */
const domainOf = (domain: string): readonly Condition[] => [
  { domain },
  { domain: { ends_with: `.${domain}` } },
]
