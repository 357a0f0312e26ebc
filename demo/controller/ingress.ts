import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

const Path = z.object({
  path: z.string().startsWith('/').default('/'),
  pathType: z.enum(['Prefix', 'Exact', 'ImplementationSpecific']),
  backend: z.object({
    service: z.object({
      name: z.string(),
      port: z.union([z.object({ number: z.int() }), z.object({ name: z.string() })]),
    }),
  }),
})

const Rule = z.object({ host: z.string(), http: z.object({ paths: z.array(Path).readonly() }) })

const IngressSchema = z.object({
  kind: z.literal('Ingress').optional(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default('default'),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.object({
    rules: z.array(Rule).readonly(),
    tls: z.array(z.object({ hosts: z.array(z.string()).default([]) })).optional(),
  }),
})

/** The part of a Kubernetes Ingress that the generated nginx configuration depends on. */
export type Ingress = z.infer<typeof IngressSchema>
export type IngressPath = z.infer<typeof Path>
export type PathType = IngressPath['pathType']

export const parseIngresses = (yaml: string): readonly Ingress[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null && typeof value === 'object' && 'kind' in value)
    .filter((value) => value.kind === 'Ingress')
    .map((value) => IngressSchema.parse(value))

/** All Ingresses of the YAML files in a folder, in the order of the file names. */
export const readIngresses = (
  folder: string,
  edit: (yaml: string) => string = (yaml) => yaml,
): readonly Ingress[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => parseIngresses(edit(readFileSync(join(folder, name), 'utf8'))))
