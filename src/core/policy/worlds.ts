import { type Facts, type Finding } from './criterion.ts'
import { type Ask, type Leaf } from './open-policies.ts'

/** One of the values that an open fact may have. */
export type Answer = {
  /** As people read it: `holds`, or a path. */
  readonly text: string
  readonly find: (leaf: Leaf, facts: Facts) => Finding
}

/** A fact that is not known. Leaves that hang on the same fact name the same variable. */
export type Unknown = {
  readonly variable: string
  /** What is not known, for people: `http_path`, `claim/department`. */
  readonly label: string
  readonly answers: readonly Answer[]
}

/** Whether what a leaf asks about is known; if not, what it may be. */
export type WhatIsOpen = (leaf: Leaf, facts: Facts) => Unknown | undefined

export type Exploration<Outcome> = {
  readonly evaluate: () => Outcome
  /** Equal keys are one outcome; undefined for a world that is ruled out. */
  readonly keyOf: (outcome: Outcome) => string | undefined
  readonly whatIsOpen: WhatIsOpen
  readonly mostWorlds?: number
}

export type Explored<Outcome> = {
  /** The possible outcomes by key, each with the fewest facts that lead to it. */
  readonly outcomes: ReadonlyMap<string, PossibleOutcome<Outcome>>
  /** What has to be known to tell the outcomes apart. */
  readonly hinges: ReadonlySet<string>
  /** False where there were too many worlds to look at. */
  readonly isComplete: boolean
}

export type PossibleOutcome<Outcome> = {
  readonly outcome: Outcome
  readonly facts: readonly string[]
}

export type Worlds = {
  readonly ask: Ask
  /** Evaluates in every world that differs in a fact which the evaluation asks for. */
  readonly explore: <Outcome>(exploration: Exploration<Outcome>) => Explored<Outcome>
}

/** Enough for a dozen independent conditions; a bound on what a policy file can cost. */
const MOST_WORLDS = 4096

type Assigned = ReadonlyMap<string, { readonly answer: Answer; readonly unknown: Unknown }>

/** The worlds of facts that are left open; `ask` is what `openPolicies` is compiled with. */
export const createWorlds = (): Worlds => {
  let assigned: Assigned = new Map()
  let whatIsOpen: WhatIsOpen = nothingIsOpen
  let undecided: Unknown | undefined
  const run = <Outcome>(evaluate: () => Outcome, world: Assigned): Outcome => {
    assigned = world
    undecided = undefined
    return evaluate()
  }
  return {
    ask: (leaf, facts) => {
      const unknown = whatIsOpen(leaf, facts)
      if (unknown === undefined) return leaf.test(facts)
      const answer = assigned.get(unknown.variable)?.answer
      if (answer !== undefined) return answer.find(leaf, facts)
      undecided ??= unknown
      return 'fails'
    },
    explore: ({ evaluate, keyOf, whatIsOpen: isOpen, mostWorlds = MOST_WORLDS }) => {
      whatIsOpen = isOpen
      let left = mostWorlds
      const shapeOf = createShapes()
      const visit = (world: Assigned): Tree<ReturnType<typeof evaluate>> => {
        if (left === 0) return UNVISITED
        left -= 1
        const outcome = run(evaluate, world)
        const unknown = undecided
        if (unknown === undefined) {
          const key = keyOf(outcome)
          return leafTree(key === undefined ? undefined : { key, outcome }, world, shapeOf)
        }
        const branches = unknown.answers.map((answer) =>
          visit(new Map(world).set(unknown.variable, { answer, unknown })),
        )
        return joined(unknown, branches, shapeOf)
      }
      return visit(new Map())
    },
  }
}

const nothingIsOpen = (): undefined => undefined

/** Trees of one shape say the same of every world. */
type Tree<Outcome> = Explored<Outcome> & { readonly shape: number }

type ShapeOf = (text: string) => number

const createShapes = (): ShapeOf => {
  const known = new Map<string, number>()
  return (text) => {
    const shape = known.get(text) ?? known.size
    known.set(text, shape)
    return shape
  }
}

const UNVISITED: Tree<never> = {
  outcomes: new Map(),
  hinges: new Set(),
  isComplete: false,
  shape: -1,
}

const leafTree = <Outcome>(
  found: { readonly key: string; readonly outcome: Outcome } | undefined,
  world: Assigned,
  shapeOf: ShapeOf,
): Tree<Outcome> => ({
  outcomes:
    found === undefined
      ? new Map()
      : new Map([[found.key, { outcome: found.outcome, facts: factsOf(world) }]]),
  hinges: new Set(),
  isComplete: true,
  shape: shapeOf(found?.key ?? ''),
})

const factsOf = (world: Assigned): readonly string[] =>
  [...world].map(([variable, { answer, unknown }]) =>
    variable === unknown.label ? `${variable} ${answer.text}` : `${variable}: ${answer.text}`,
  )

/** A fact matters where its values lead to different trees; a branch ruled out says nothing. */
const joined = <Outcome>(
  { variable, label }: Unknown,
  branches: readonly Tree<Outcome>[],
  shapeOf: ShapeOf,
): Tree<Outcome> => {
  const outcomes = new Map<string, PossibleOutcome<Outcome>>()
  const hinges = new Set<string>()
  const shapes = new Set<number>()
  for (const branch of branches) {
    for (const [key, possible] of branch.outcomes) {
      const known = outcomes.get(key)
      // What takes the fewest facts to say is the best example.
      if (known === undefined || possible.facts.length < known.facts.length) {
        outcomes.set(key, possible)
      }
    }
    for (const hinge of branch.hinges) hinges.add(hinge)
    if (branch.outcomes.size > 0) shapes.add(branch.shape)
  }
  if (shapes.size > 1) hinges.add(label)
  const [only = -1] = shapes
  const own = branches.map(({ shape }) => shape).join()
  return {
    outcomes,
    hinges,
    isComplete: branches.every(({ isComplete }) => isComplete),
    shape: shapes.size > 1 ? shapeOf(`${variable}: ${own}`) : only,
  }
}

const finds = (finding: Finding): Answer => ({ text: finding, find: () => finding })

const WITH_ABSENT = [finds('holds'), finds('fails'), finds('absent')]
const WITH_BROKEN = [finds('holds'), finds('fails'), finds('broken')]
const PRESENT = [finds('holds'), finds('fails')]

/** A leaf of which nothing is known but that it holds or not, or finds nothing. */
export const openLeaf = (
  { text, criterion }: Leaf,
  label: string = criterion,
  isPresent: boolean = false,
): Unknown => {
  if (isPresent) return { variable: text, label, answers: PRESENT }
  return { variable: text, label, answers: criterion === 'cel' ? WITH_BROKEN : WITH_ABSENT }
}
