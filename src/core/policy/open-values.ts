import { lowerMatcher } from './criteria/email.ts'
import { type Facts, type Finding, found } from './criterion.ts'
import { secondsOf } from './duration.ts'
import { asList, compileListMatcher, compileStringMatcher } from './matcher.ts'
import { type Leaf } from './open-policies.ts'
import {
  readable,
  type SampleValue,
  sampleAddresses,
  sampleAges,
  sampleMethods,
  samplePaths,
  sampleTexts,
  sampleTimes,
} from './sample-values.ts'
import { type Answer, openLeaf, type Unknown } from './worlds.ts'

/** What a fact may be that a leaf asks for. */
export type OpenValues = (leaf: Leaf) => Unknown

/**
 * Values for what leaves ask about, so few that any two are told apart by some leaf: thus
 * `starts_with: /a` and `is: /a/b` are about one path, and cannot hold and fail at will.
 */
export const openValues = (leaves: readonly Leaf[], facts: Facts): OpenValues => {
  const byFact = Map.groupBy(leaves, factOf)
  const unknowns = new Map<string, Unknown>()
  return (leaf) => {
    const fact = factOf(leaf)
    const known = unknowns.get(fact)
    if (known !== undefined) return known
    const own = byFact.get(fact) ?? [leaf]
    const all = candidates(fact, own)
    const answers = all === undefined ? [] : distinct(all, own, facts)
    const unknown = all === undefined ? openLeaf(leaf) : { variable: fact, label: fact, answers }
    unknowns.set(fact, unknown)
    return unknown
  }
}

/** The day and the time of day are one fact; what is not sampled is a fact for each leaf. */
const factOf = ({ criterion, text }: Leaf): string => {
  if (criterion === 'time_of_day' || criterion === 'day_of_week') return 'time'
  return isSampled(criterion) ? criterion : text
}

const isSampled = (criterion: string): boolean =>
  criterion === 'auth_age' || isList(criterion) || OF_REQUEST.has(criterion) || TEXTS.has(criterion)

const isList = (criterion: string): boolean =>
  LISTS.has(criterion) || criterion.startsWith('claim/')

const OF_REQUEST: ReadonlyMap<string, (leaves: readonly Leaf[]) => readonly SampleValue[]> =
  new Map([
    ['http_path', samplePaths],
    ['http_method', sampleMethods],
    ['source_ip', sampleAddresses],
    ['time', sampleTimes],
  ])

const LISTS: ReadonlySet<string> = new Set(['groups', 'amr'])

/** Whether there may be none. */
const TEXTS: ReadonlyMap<string, boolean> = new Map([
  ['user', false],
  ['issuer', false],
  ['email', true],
  ['domain', true],
  ['service_account', true],
  ['spiffe_id', true],
  ['acr', true],
])

const candidates = (fact: string, leaves: readonly Leaf[]): readonly Answer[] | undefined => {
  const ofRequest = OF_REQUEST.get(fact)
  if (ofRequest !== undefined) return ofRequest(leaves).map(changing)
  if (fact === 'auth_age') return ages(leaves)
  if (isList(fact)) return lists(fact, leaves)
  const mayBeAbsent = TEXTS.get(fact)
  return mayBeAbsent === undefined ? undefined : texts(leaves, mayBeAbsent)
}

const changing = ({ text, change }: SampleValue): Answer => ({
  text,
  find: (leaf, facts) => leaf.test(change(facts)),
})

const ABSENT: Answer = { text: 'absent', find: () => 'absent' }
const OTHER: Answer = { text: 'other', find: () => 'fails' }

/** E-mail addresses are compared in lower case, so their samples are. */
const textTest = ({ criterion, matcher }: Leaf): ((text: string) => boolean) =>
  compileStringMatcher(['email', 'domain'].includes(criterion) ? lowerMatcher(matcher) : matcher)

const texts = (leaves: readonly Leaf[], mayBeAbsent: boolean): readonly Answer[] => {
  const find = remembered(textTest)
  return [
    ...sampleTexts(leaves).map((text) => ({
      text: readable(text),
      find: (leaf: Leaf): Finding => found(find(leaf)(text) || find(leaf)(text.toLowerCase())),
    })),
    OTHER,
    ...(mayBeAbsent ? [ABSENT] : []),
  ]
}

/** One of the values, all of them, none, or no list at all. */
const lists = (fact: string, leaves: readonly Leaf[]): readonly Answer[] => {
  const find = remembered(fact.startsWith('claim/') ? anyTest : listTest)
  const values = sampleTexts(leaves)
  const several = values.length > 1 ? [values, ...allButOne(values)] : []
  return [
    ...[...values.map((value) => [value]), ...several].map((list) => ({
      text: list.map(readable).join(', '),
      find: (leaf: Leaf): Finding => found(find(leaf)(list)),
    })),
    OTHER,
    ABSENT,
  ]
}

const allButOne = (values: readonly string[]): readonly (readonly string[])[] =>
  values.length > 2 ? values.map((value) => values.filter((each) => each !== value)) : []

type ListTest = (list: readonly string[]) => boolean

const listTest = ({ matcher }: Leaf): ListTest => compileListMatcher(matcher)

const anyTest = ({ matcher }: Leaf): ListTest => {
  const matches = compileStringMatcher(matcher)
  return (list) => list.some(matches)
}

const ages = (leaves: readonly Leaf[]): readonly Answer[] => [
  ...sampleAges(leaves).map((age) => ({
    text: `at most ${age} s`,
    find: ({ matcher }: Leaf): Finding =>
      found(age <= secondsOf(asList(matcher.max_age ?? []).join(''))),
  })),
  OTHER,
  ABSENT,
]

const remembered = <Value>(make: (leaf: Leaf) => Value): ((leaf: Leaf) => Value) => {
  const known = new WeakMap<Leaf, { readonly value: Value }>()
  return (leaf) => {
    const made = known.get(leaf) ?? { value: make(leaf) }
    known.set(leaf, made)
    return made.value
  }
}

const distinct = (
  answers: readonly Answer[],
  leaves: readonly Leaf[],
  facts: Facts,
): readonly Answer[] => {
  const bySignature = new Map<string, Answer>()
  for (const answer of answers) {
    const signature = leaves.map((leaf) => answer.find(leaf, facts)).join()
    if (!bySignature.has(signature)) bySignature.set(signature, answer)
  }
  return [...bySignature.values()]
}
