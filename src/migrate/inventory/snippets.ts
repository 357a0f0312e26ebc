import { type Place, placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, isTrue, type Scene } from './scene.ts'
import { someOf } from './shown.ts'

/** Pieces of nginx configuration in annotations. Their text is never shown: it may hold secrets. */
export const SNIPPET_FINDINGS = {
  snippet: {
    severity: 'medium',
    title: 'A piece of nginx configuration in an annotation',
    why: 'Whoever may write one commands the controller and reads its Secrets; newer controllers refuse it.',
    next: 'Replace it by annotations; nothing that Vestibule needs is a snippet.',
  },
  snippet_access: {
    severity: 'high',
    title: 'A snippet decides who may pass',
    why: 'Access rules in a snippet are seen by no linter, and vanish when snippets are switched off.',
    next: 'Read it, put its meaning into the policy by hand, and take it away when the host enforces.',
  },
  snippet_credential: {
    severity: 'high',
    title: 'A snippet gives a credential to the application',
    why: 'Everybody who may read Ingresses reads it, and every visitor acts with it.',
    next: 'Change that credential, and let the application take the identity of the visitor.',
  },
  snippets_allowed: {
    severity: 'high',
    title: 'The controller takes snippets',
    why: 'Whoever may create an Ingress anywhere can read every Secret of the cluster.',
    next: 'Set allow-snippet-annotations to false once no Ingress needs one.',
  },
} as const satisfies FindingKinds

const SNIPPETS = [
  'configuration-snippet',
  'server-snippet',
  'auth-snippet',
  'stream-snippet',
  'modsecurity-snippet',
] as const

const ACCESS = [
  'allow',
  'deny',
  'auth_basic',
  'auth_basic_user_file',
  'auth_request',
  'auth_jwt',
  'satisfy',
  'access_by_lua_block',
  'access_by_lua_file',
  'ssl_verify_client',
] as const

export const snippetFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses.flatMap((ingress) => SNIPPETS.flatMap((name) => snippetOf(ingress, name))),
  ...scene.controllers.flatMap(allowedSnippets),
]

const snippetOf = (ingress: IngressView, name: string): readonly Finding[] => {
  const text = nginxAnnotation(ingress, name)
  if (text === undefined) return []
  const seen = {
    places: [placeIn(ingress.object, ...annotationPath(name))] as readonly [Place],
    hosts: hostsOf(ingress),
  }
  const directives = directivesOf(text)
  const access = ACCESS.filter((directive) => directives.has(directive))
  const general = `${name} holds ${someOf([...directives], 5)}`
  return [
    access.length === 0
      ? findingOf(SNIPPET_FINDINGS, 'snippet', { ...seen, what: general })
      : findingOf(SNIPPET_FINDINGS, 'snippet_access', {
          ...seen,
          what: `${name} holds ${someOf(access, 5)}`,
        }),
    ...(setsCredential(text)
      ? [
          findingOf(SNIPPET_FINDINGS, 'snippet_credential', {
            ...seen,
            what: `${name} sets a header that carries a credential`,
          }),
        ]
      : []),
  ]
}

/** The first word of each directive, if it looks like one. */
const directivesOf = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .replaceAll(/#.*$/gm, '')
      .split(/[;{}\n]/)
      .map((line) => /^\s*([a-z][a-z0-9_]{1,40})(?=\s|$)/.exec(line)?.[1] ?? '')
      .filter((word) => word !== ''),
  )

/** A fixed value, that is; passing on what the client sent names a variable. */
const setsCredential = (text: string): boolean =>
  /proxy_set_header\s+["']?(?:Authorization|Cookie|X-[A-Za-z-]*(?:Token|Key|Secret|Auth)[A-Za-z-]*)["']?\s+["']?(?!\$|["'\s;])[^;$]{4,};/i.test(
    text,
  )

const allowedSnippets = ({ configMap, settings }: Controller): readonly Finding[] => {
  if (configMap === undefined || !isTrue(settings['allow-snippet-annotations'])) return []
  const level = settings['annotations-risk-level'] ?? 'the default'
  const what = `allow-snippet-annotations is true, annotations-risk-level is ${level}`
  const places = [placeIn(configMap, 'data', 'allow-snippet-annotations')] as const
  return [findingOf(SNIPPET_FINDINGS, 'snippets_allowed', { what, places, hosts: [] })]
}
