/** What of JSON Schema (draft 7) the generated schemas use; any other keyword is an error. */
export type Schema = Readonly<Record<string, unknown>>

/** Where a value departs from a schema, one line each; empty where it is valid. */
export const departures = (root: Schema, value: unknown): readonly string[] =>
  check({ root, schema: root, value, at: '' })

type Check = {
  readonly root: Schema
  readonly schema: Schema
  readonly value: unknown
  readonly at: string
}

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'definitions'])

const check = (here: Check): readonly string[] =>
  Object.entries(here.schema).flatMap(([keyword, argument]) => {
    if (ANNOTATIONS.has(keyword)) return []
    const keywordCheck = KEYWORDS[keyword]
    if (keywordCheck === undefined) throw new Error(`unknown keyword ${keyword} at ${here.at}`)
    return keywordCheck(here, argument)
  })

const fault = ({ at }: Check, text: string): readonly string[] => [`${at}: ${text}`]

const unless = (holds: boolean, here: Check, text: string): readonly string[] =>
  holds ? [] : fault(here, text)

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeOf(value) === 'object'

const isType = (value: unknown, type: unknown): boolean =>
  typeOf(value) === type || (type === 'integer' && Number.isInteger(value))

const passes = (here: Check, schema: unknown): boolean =>
  check({ ...here, schema: schema as Schema }).length === 0

const branch = (here: Check, schema: unknown): readonly string[] =>
  check({ ...here, schema: schema as Schema })

const onObject =
  (
    test: (
      here: Check,
      object: Readonly<Record<string, unknown>>,
      argument: never,
    ) => readonly string[],
  ) =>
  (here: Check, argument: unknown): readonly string[] =>
    isObject(here.value) ? test(here, here.value, argument as never) : []

const onText =
  (test: (text: string, argument: never) => boolean, text: string) =>
  (here: Check, argument: unknown): readonly string[] =>
    typeof here.value === 'string'
      ? unless(test(here.value, argument as never), here, `${text} ${String(argument)}`)
      : []

const onSize =
  (kind: 'array' | 'object', test: (size: number, argument: number) => boolean, text: string) =>
  (here: Check, argument: unknown): readonly string[] => {
    if (typeOf(here.value) !== kind) return []
    const size = Object.keys(here.value as object).length
    return unless(test(size, argument as number), here, `${text} ${String(argument)}`)
  }

const most = (size: number, limit: number): boolean => size <= limit
const least = (size: number, limit: number): boolean => size >= limit

const below = (here: Check, name: string, schema: unknown): readonly string[] => {
  const value = (here.value as Record<string, unknown>)[name]
  if (schema === false) return fault(here, `${name} is not allowed`)
  return schema === true
    ? []
    : check({ ...here, value, schema: schema as Schema, at: `${here.at}/${name}` })
}

const extraKeys = (here: Check, object: object): readonly string[] => {
  const known = Object.keys(here.schema['properties'] ?? {})
  const patterns = Object.keys(here.schema['patternProperties'] ?? {})
  return Object.keys(object).filter(
    (key) => !known.includes(key) && !patterns.some((pattern) => new RegExp(pattern).test(key)),
  )
}

const KEYWORDS: Readonly<Record<string, (here: Check, argument: unknown) => readonly string[]>> = {
  type: (here, argument) => {
    const types = Array.isArray(argument) ? argument : [argument]
    return unless(
      types.some((type) => isType(here.value, type)),
      here,
      `is no ${types.join(' or ')}`,
    )
  },
  $ref: (here, argument) => {
    const name = String(argument).replace('#/definitions/', '')
    const schema = (here.root['definitions'] as Record<string, Schema>)[name]
    if (schema === undefined) throw new Error(`no definition ${name}`)
    return check({ ...here, schema })
  },
  enum: (here, argument) =>
    unless((argument as readonly unknown[]).includes(here.value), here, 'is not listed'),
  const: (here, argument) => unless(here.value === argument, here, `is not ${String(argument)}`),
  anyOf: (here, argument) =>
    unless(
      (argument as readonly unknown[]).some((each) => passes(here, each)),
      here,
      'fits none',
    ),
  allOf: (here, argument) => (argument as readonly unknown[]).flatMap((each) => branch(here, each)),
  items: (here, argument) =>
    Array.isArray(here.value)
      ? here.value.flatMap((_item, index) => below(here, String(index), argument))
      : [],
  properties: onObject((here, object, argument: Readonly<Record<string, unknown>>) =>
    Object.entries(argument).flatMap(([name, schema]) =>
      Object.hasOwn(object, name) ? below(here, name, schema) : [],
    ),
  ),
  patternProperties: onObject((here, object, argument: Readonly<Record<string, unknown>>) =>
    Object.entries(argument).flatMap(([pattern, schema]) =>
      Object.keys(object)
        .filter((name) => new RegExp(pattern).test(name))
        .flatMap((name) => below(here, name, schema)),
    ),
  ),
  additionalProperties: onObject((here, object, argument: unknown) =>
    extraKeys(here, object).flatMap((name) => below(here, name, argument)),
  ),
  propertyNames: onObject((here, object, argument: Schema) =>
    Object.keys(object).flatMap((name) => check({ ...here, value: name, schema: argument })),
  ),
  required: onObject((here, object, argument: readonly string[]) =>
    argument.flatMap((name) => unless(Object.hasOwn(object, name), here, `lacks ${name}`)),
  ),
  minProperties: onSize('object', least, 'has keys fewer than'),
  maxProperties: onSize('object', most, 'has keys more than'),
  minItems: onSize('array', least, 'has items fewer than'),
  maxItems: onSize('array', most, 'has items more than'),
  minLength: onText((text, limit: number) => text.length >= limit, 'is shorter than'),
  maxLength: onText((text, limit: number) => text.length <= limit, 'is longer than'),
  pattern: onText((text, pattern: string) => new RegExp(pattern, 'u').test(text), 'does not match'),
  format: () => [],
  minimum: (here, argument) => unless(Number(here.value) >= Number(argument), here, 'is too small'),
  maximum: (here, argument) => unless(Number(here.value) <= Number(argument), here, 'is too large'),
}
