import { configMapData } from '../cluster.ts'
import { placeIn } from '../cluster-object.ts'
import { type Directive, directivesOf } from '../nginx-snippet.ts'
import { annotationPath, type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, type Scene } from './scene.ts'
import { countOf, someOf } from './shown.ts'

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
  snippet_route: {
    severity: 'high',
    title: 'A snippet answers requests by itself',
    why: 'A location of its own asks no gate, whatever the annotations say; nobody sees where it leads.',
    next: 'Read it, and make it a rule of an Ingress, or take it away before the host moves.',
  },
  snippet_credential: {
    severity: 'high',
    title: 'nginx gives a credential to the application',
    why: 'Everybody who may read Ingresses or ConfigMaps reads it, and every visitor acts with it.',
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

/** Snippets of the ConfigMap are in every server, or in every location. */
const CONTROLLER_SNIPPETS = [
  'main-snippet',
  'http-snippet',
  'server-snippet',
  'location-snippet',
  'stream-snippet',
  'global-auth-snippet',
] as const

const ACCESS: ReadonlySet<string> = new Set([
  'allow',
  'deny',
  'auth_basic',
  'auth_basic_user_file',
  'auth_request',
  'auth_jwt',
  'satisfy',
  'access_by_lua',
  'access_by_lua_block',
  'access_by_lua_file',
  'ssl_verify_client',
])

const ROUTES: ReadonlySet<string> = new Set([
  'proxy_pass',
  'grpc_pass',
  'fastcgi_pass',
  'uwsgi_pass',
  'scgi_pass',
  'content_by_lua',
  'content_by_lua_block',
  'content_by_lua_file',
  'alias',
  'root',
])

/** Others are counted only: what looks like a directive may be a secret that was pasted badly. */
const SHOWN: ReadonlySet<string> = new Set([
  ...ACCESS,
  ...ROUTES,
  'add_header',
  'client_max_body_size',
  'error_page',
  'expires',
  'gzip',
  'if',
  'include',
  'limit_req',
  'location',
  'log_format',
  'map',
  'more_clear_headers',
  'more_clear_input_headers',
  'more_set_headers',
  'more_set_input_headers',
  'proxy_buffer_size',
  'proxy_buffering',
  'proxy_cache',
  'proxy_hide_header',
  'proxy_read_timeout',
  'proxy_set_header',
  'proxy_ssl_name',
  'return',
  'rewrite',
  'server',
  'set',
  'sub_filter',
  'upstream',
])

export const snippetFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses.flatMap(ingressSnippets),
  ...scene.controllers.flatMap(controllerSnippets),
  ...scene.controllers.flatMap(allowedSnippets),
  ...scene.controllers.flatMap(credentialHeaders),
]

const ingressSnippets = (ingress: IngressView): readonly Finding[] =>
  SNIPPETS.flatMap((name) => {
    const text = nginxAnnotation(ingress, name)
    const places = [placeIn(ingress.object, ...annotationPath(name))] as const
    return text === undefined ? [] : judged({ name, text, places, hosts: hostsOf(ingress) })
  })

const controllerSnippets = ({ configMap, settings }: Controller): readonly Finding[] =>
  CONTROLLER_SNIPPETS.flatMap((name) => {
    const text = settings[name] ?? ''
    if (configMap === undefined || text === '') return []
    return judged({ name, text, places: [placeIn(configMap, 'data', name)], hosts: [] })
  })

type Snippet = Pick<Finding, 'places' | 'hosts'> & { readonly name: string; readonly text: string }

const judged = ({ name, text, places, hosts }: Snippet): readonly Finding[] => {
  const directives = directivesOf(text)
  const names = [...new Set(directives.map((each) => each.name))]
  const found = (id: keyof typeof SNIPPET_FINDINGS, what: string): Finding =>
    findingOf(SNIPPET_FINDINGS, id, { places, hosts, what: `${name} ${what}` })
  const special = (
    [
      ['snippet_access', ACCESS],
      ['snippet_route', ROUTES],
    ] as const
  ).flatMap(([id, wanted]) => {
    const held = names.filter((each) => wanted.has(each))
    return held.length === 0 ? [] : [found(id, `holds ${someOf(held, 5)}`)]
  })
  return [
    ...(special.length > 0 ? special : [found('snippet', `holds ${shownNames(names)}`)]),
    ...(directives.some(setsCredential)
      ? [found('snippet_credential', 'sets a header that carries a credential')]
      : []),
  ]
}

const shownNames = (names: readonly string[]): string => {
  const shown = names.filter((name) => SHOWN.has(name))
  const others = names.length - shown.length
  if (shown.length === 0) return countOf(others, 'directive')
  return `${someOf(shown, 5)}${others === 0 ? '' : `, and ${countOf(others, 'other')}`}`
}

const CREDENTIAL = /^(?:authorization|cookie|x-[a-z-]*(?:token|key|secret|auth)[a-z-]*)$/

/** A fixed value, that is; passing on what the client sent names a variable. */
const setsCredential = ({ name, values }: Directive): boolean => {
  const [first = '', ...rest] = values
  const [header = '', ...more] =
    name === 'more_set_input_headers' ? first.split(/:\s*/) : [first, rest.join(' ')]
  const value = more.join(':')
  const sets = name === 'proxy_set_header' || name === 'more_set_input_headers'
  return sets && CREDENTIAL.test(header) && value.length > 3 && !value.includes('$')
}

/** What `proxy-set-headers` names is sent to every application. */
const credentialHeaders = ({ setHeaders }: Controller): readonly Finding[] => {
  if (setHeaders === undefined) return []
  const fixed = Object.entries(configMapData(setHeaders)).filter(([header, value]) =>
    setsCredential({ name: 'proxy_set_header', values: [header.toLowerCase(), value] }),
  )
  return fixed.map(([header]) =>
    findingOf(SNIPPET_FINDINGS, 'snippet_credential', {
      what: `proxy-set-headers sets ${header} for every application`,
      places: [placeIn(setHeaders, 'data', header)],
      hosts: [],
    }),
  )
}

const allowedSnippets = ({ configMap, settings }: Controller): readonly Finding[] => {
  if (configMap === undefined || !isOn(settings['allow-snippet-annotations'])) return []
  const level = settings['annotations-risk-level'] ?? 'the default'
  const what = `allow-snippet-annotations is true, annotations-risk-level is ${level}`
  const places = [placeIn(configMap, 'data', 'allow-snippet-annotations')] as const
  return [findingOf(SNIPPET_FINDINGS, 'snippets_allowed', { what, places, hosts: [] })]
}
