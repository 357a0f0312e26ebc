import type { Cors } from './annotations.ts'
import { block, type Lines, when } from './nginx-text.ts'

const originTest = (origins: readonly string[]): Lines => {
  if (origins.length === 1 && origins[0] === '*') {
    return ["set $cors_origin '*';", "set $cors 'true';"]
  }
  const pattern = origins
    .map((origin) => origin.replaceAll('.', String.raw`\.`).replaceAll('*', '[A-Za-z0-9-]+'))
    .join('|')
  return block(`if ($http_origin ~* "^(${pattern})$")`, [
    'set $cors_origin $http_origin;',
    "set $cors 'true';",
  ])
}

const NAMES = ['origin', 'credentials', 'methods', 'headers', 'expose', 'max_age']

/**
 * Headers for every answer. The controller uses headers-more inside `if`; variables that stay empty
 * (nginx then leaves the header out) say the same without that module.
 */
export const corsHeaders = (cors: Cors | undefined): Lines =>
  cors === undefined
    ? []
    : [
        'add_header Access-Control-Allow-Origin $cors_origin always;',
        'add_header Access-Control-Allow-Credentials $cors_credentials always;',
        'add_header Access-Control-Allow-Methods $cors_methods always;',
        'add_header Access-Control-Allow-Headers $cors_headers always;',
        'add_header Access-Control-Expose-Headers $cors_expose always;',
        'add_header Access-Control-Max-Age $cors_max_age always;',
      ]

/** Answers a preflight in the rewrite phase, which is before anybody is asked for authentication. */
export const corsDirectives = (cors: Cors | undefined): Lines => {
  if (cors === undefined) return []
  return [
    "set $cors '';",
    ...NAMES.map((name) => `set $cors_${name} '';`),
    ...originTest(cors.origins),
    ...block('if ($cors = "true")', [
      ...when(cors.credentials, ["set $cors_credentials 'true';"]),
      `set $cors_methods '${cors.methods}';`,
      `set $cors_headers '${cors.headers}';`,
      ...when(cors.exposeHeaders !== undefined, [`set $cors_expose '${cors.exposeHeaders}';`]),
      `set $cors_max_age '${cors.maxAge}';`,
    ]),
    ...block("if ($request_method = 'OPTIONS')", ['set $cors ${cors}options;']),
    ...block('if ($cors = "trueoptions")', [...corsHeaders(cors), 'return 204;']),
    ...corsHeaders(cors),
  ]
}
