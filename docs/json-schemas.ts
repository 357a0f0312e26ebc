import { z } from 'zod'
import { CRITERIA } from '../src/core/policy/criteria.ts'
import { type Criterion } from '../src/core/policy/criterion.ts'
import { durationText } from '../src/edge/config/reference.ts'
import { CONFIG_SCHEMA } from '../src/edge/config/schema.ts'
import { CASES_SCHEMA } from '../src/edge/policies/cases-schema.ts'
import { MATCHER_SCHEMAS } from '../src/edge/policies/matcher-schema.ts'
import { POLICY_SCHEMA, RULE_SCHEMA, RULE_SETS_SCHEMA } from '../src/edge/policies/policy-schema.ts'
import { OUTPUT_SCHEMAS } from './output-schemas.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/**
 * JSON Schemas of the files that people write, for their editors, and of what commands print, for
 * programs that read it; by the name of the file.
 */
export const jsonSchemas = (): Readonly<Record<string, string>> => ({
  'schema/policy.schema.json': textOf(titled('A policy file of Vestibule', POLICY_SCHEMA)),
  'schema/rule-sets.schema.json': textOf(titled('Rule sets of Vestibule', RULE_SETS_SCHEMA)),
  'schema/cases.schema.json': textOf(titled('Decision cases of Vestibule', CASES_SCHEMA)),
  'schema/configuration.schema.json': textOf(
    inFile(titled('The configuration of Vestibule', CONFIG_SCHEMA)),
  ),
  ...Object.fromEntries(
    Object.entries(OUTPUT_SCHEMAS).map(([name, schema]) => [
      `schema/migrate-${name}.schema.json`,
      textOf(titled(`What vestibule migrate ${name} --json prints`, schema)),
    ]),
  ),
})

const textOf = (schema: JsonSchema): string => `${JSON.stringify(schema, null, 2)}\n`

const titled = (title: string, schema: z.ZodType): JsonSchema => {
  const { $schema = 'http://json-schema.org/draft-07/schema#', ...rest } = convert(schema)
  const hasRules = JSON.stringify(rest).includes(CONDITION.$ref)
  const definitions = hasRules ? { definitions: ruleDefinitions() } : {}
  return { $schema, title, ...rest, ...definitions }
}

/** The environment may hold what the file leaves out, and has to hold what is secret. */
const inFile = ({ required: _required, ...schema }: JsonSchema): JsonSchema =>
  withoutSecrets(schema, inFile)

const withoutSecrets = (
  schema: JsonSchema,
  inner: (child: JsonSchema) => JsonSchema,
): JsonSchema => {
  const { items } = schema
  if (typeof items === 'object' && !Array.isArray(items)) {
    return { ...schema, items: inEntry(items) }
  }
  if (schema.properties === undefined) return schema
  const properties: Record<string, z.core.JSONSchema._JSONSchema> = {}
  for (const [name, child] of Object.entries(schema.properties)) {
    if (typeof child === 'boolean') properties[name] = child
    else if (!isSecret(child)) properties[name] = inner(child)
  }
  return { ...schema, properties }
}

/** An entry of a list is begun in the file, with what it needs. */
const inEntry = (schema: JsonSchema): JsonSchema => withoutSecrets(schema, inEntry)

const isSecret = ({ description = '' }: JsonSchema): boolean =>
  description.startsWith('From the environment only')

const CONDITION = { $ref: '#/definitions/condition' }

/** Rules check conditions one by one by `MATCHER_SCHEMAS`; their own schema takes any mapping. */
const ANY_CONDITION: unknown = RULE_SCHEMA.shape.allow.unwrap().shape.and.unwrap().element

/** Draft 7, which every editor knows. */
const convert = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === ANY_CONDITION) replace(jsonSchema, CONDITION)
      // Durations are kept in milliseconds; people write them with a unit.
      const fallback: unknown =
        zodSchema instanceof z.ZodDefault ? zodSchema.def.defaultValue : undefined
      if (jsonSchema.type === 'string' && typeof fallback === 'number') {
        jsonSchema.default = durationText(fallback)
      }
    },
  })

const replace = (schema: JsonSchema, by: JsonSchema): void => {
  for (const key of Object.keys(schema)) delete schema[key]
  Object.assign(schema, by)
}

const OPERATORS: Readonly<Record<string, string>> = {
  and: 'Holds where all conditions hold.',
  or: 'Holds where any condition holds.',
  not: 'Holds where no condition holds.',
  nor: 'Holds where at least one condition does not hold.',
}

/** A condition is one criterion, or an operator with a list of conditions. */
const ruleDefinitions = (): Readonly<Record<string, JsonSchema>> => {
  const exact = CRITERIA.filter(({ name }) => !name.endsWith('/'))
  const families = CRITERIA.filter(({ name }) => name.endsWith('/'))
  return {
    condition: {
      type: 'object',
      minProperties: 1,
      maxProperties: 1,
      properties: {
        ...Object.fromEntries(
          Object.entries(OPERATORS).map(([name, description]) => [
            name,
            { description, type: 'array', minItems: 1, items: CONDITION },
          ]),
        ),
        ...Object.fromEntries(exact.map((criterion) => [criterion.name, argumentOf(criterion)])),
      },
      patternProperties: Object.fromEntries(
        families.map((criterion) => [`^${criterion.name}.`, argumentOf(criterion)]),
      ),
      additionalProperties: false,
    },
    ...Object.fromEntries(
      Object.entries(MATCHER_SCHEMAS).map(([kind, schema]) => {
        const { $schema: _draft, ...matcher } = convert(schema)
        return [`${kind}_matcher`, matcher]
      }),
    ),
  }
}

/** Draft 7 ignores what stands beside a `$ref`, so the reference is wrapped. */
const argumentOf = ({ argument, summary, example }: Criterion): JsonSchema => ({
  description: `${summary}\n\nExample: ${example}`,
  allOf: [{ $ref: `#/definitions/${argument}_matcher` }],
})
