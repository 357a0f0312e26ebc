import { z } from 'zod'
import { type Fault } from '../core/fault.ts'
import { type Column, columnsFor } from '../core/policy/access-columns.ts'
import { groupsNamed } from '../core/policy/access-matrix.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { type Authenticated } from '../core/principal.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { schemaFaults } from '../edge/files/schema-faults.ts'
import { readYamlFile } from '../edge/files/yaml-file.ts'
import { CASES_SCHEMA } from '../edge/policies/cases-schema.ts'
import { whoIs } from '../edge/policies/cases-subject.ts'

/** The `people` of a file of cases, or a file that has only them. */
const PEOPLE_SCHEMA = z.looseObject({ people: CASES_SCHEMA.shape.people })

export const readColumns = async (
  file: string | undefined,
  sets: readonly PolicySet[],
  issuer: string,
): Promise<Result<readonly Column[], readonly Fault[]>> => {
  const people = file === undefined ? ok([]) : await readPeople(file, issuer)
  if (!people.ok) return people
  const groups = sets.flatMap((set) => [...groupsNamed(set)])
  return ok(columnsFor(groups, people.value))
}

type Person = { readonly name: string; readonly principal: Authenticated }

const readPeople = async (
  file: string,
  issuer: string,
): Promise<Result<readonly Person[], readonly Fault[]>> => {
  const yaml = await readYamlFile(file, file)
  if (!yaml.ok) return yaml
  const parsed = PEOPLE_SCHEMA.safeParse(yaml.value.value)
  if (!parsed.success) return fail(schemaFaults(parsed.error, PEOPLE_SCHEMA, yaml.value))
  const people = Object.entries(parsed.data.people).flatMap(
    ([name, subject]): readonly Person[] => {
      const { principal } = whoIs({ ...subject, sub: subject.sub ?? name }, issuer)
      return principal.kind === 'anonymous' ? [] : [{ name, principal }]
    },
  )
  return ok(people)
}
