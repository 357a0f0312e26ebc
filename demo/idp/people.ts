export type Person = {
  /** The subject of tokens, and the value of the sign-in button. */
  readonly id: string
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  readonly groups: readonly string[]
  readonly preferredUsername: string
}

export const PEOPLE: readonly Person[] = [
  {
    id: 'alice',
    name: 'Alice Lindqvist',
    email: 'alice@example.com',
    emailVerified: true,
    groups: ['sre', 'platform'],
    preferredUsername: 'alice',
  },
  {
    id: 'bob',
    name: 'Bob Okafor',
    email: 'bob@example.com',
    emailVerified: true,
    groups: ['developers'],
    preferredUsername: 'bob',
  },
  {
    id: 'carol',
    name: 'Carol Duarte',
    email: 'carol@contractors.example',
    emailVerified: true,
    groups: ['contractors'],
    preferredUsername: 'carol',
  },
  {
    id: 'dana',
    name: 'Dana Petrov',
    email: 'dana@example.com',
    emailVerified: false,
    groups: ['auditors'],
    preferredUsername: 'dana',
  },
]

export type Directory = {
  readonly all: () => readonly Person[]
  readonly find: (id: string) => Person | undefined
  readonly isDisabled: (id: string) => boolean
  readonly setGroups: (id: string, groups: readonly string[]) => void
  readonly setDisabled: (id: string, disabled: boolean) => void
}

/** Who works here, and what changes about them while the demonstration runs. */
export const createDirectory = (people: readonly Person[]): Directory => {
  const byId = new Map(people.map((person) => [person.id, person]))
  const disabled = new Set<string>()
  const existing = (id: string): Person => {
    const person = byId.get(id)
    if (person === undefined) throw new Error(`nobody is called ${id}`)
    return person
  }
  return {
    all: () => [...byId.values()],
    find: (id) => (disabled.has(id) ? undefined : byId.get(id)),
    isDisabled: (id) => disabled.has(id),
    setGroups: (id, groups) => {
      byId.set(id, { ...existing(id), groups })
    },
    setDisabled: (id, value) => {
      if (value) disabled.add(existing(id).id)
      else disabled.delete(id)
    },
  }
}
