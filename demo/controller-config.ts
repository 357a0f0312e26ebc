import { type ClientCas, clientCertificateDirectives } from './controller/client-certificates.ts'
import { corsDirectives, corsHeaders } from './controller/cors.ts'
import { customErrorDirectives, customErrorLocations } from './controller/custom-errors.ts'
import {
  type AuthOptions,
  authDirectives,
  authLocation,
  deniedReason,
  signInLocation,
} from './controller/external-auth.ts'
import type { Ingress } from './controller/ingress.ts'
import { type Location, type Server, serversOf } from './controller/locations.ts'
import { block, type Lines, quote, when, writeLines } from './controller/nginx-text.ts'
import type { NginxBuild } from './nginx-build.ts'

export type HttpsListener = {
  readonly port: number
  readonly certificateFile: string
  readonly keyFile: string
  readonly http2?: boolean
}

export type ControllerInput = AuthOptions &
  ClientCas & {
    readonly ingresses: readonly Ingress[]
    /** `namespace/service`, or just `service` → `127.0.0.1:port`. */
    readonly services: Readonly<Record<string, string>>
    readonly listen: { readonly http: number; readonly https?: HttpsListener }
    /** The ConfigMap key `enable-underscores-in-headers`. */
    readonly underscoresInHeaders?: boolean
    readonly nginx: NginxBuild
  }

const addressOf = (input: ControllerInput, namespace: string, service: string): string => {
  const address = input.services[`${namespace}/${service}`] ?? input.services[service]
  if (address === undefined) throw new Error(`no address is given for ${namespace}/${service}`)
  return address
}

const upstreamName = ({ namespace, service }: Location): string =>
  `${namespace}-${service?.name ?? ''}-${service?.port ?? ''}`

const upstreams = (servers: readonly Server[], input: ControllerInput): Lines => {
  const byName = new Map<string, Lines>()
  for (const location of servers.flatMap(({ locations }) => locations)) {
    if (location.service === undefined) continue
    const name = upstreamName(location)
    byName.set(
      name,
      block(`upstream ${name}`, [
        `server ${addressOf(input, location.namespace, location.service.name)};`,
        'keepalive 320;',
        'keepalive_timeout 60s;',
        'keepalive_requests 10000;',
      ]),
    )
  }
  return [...byName.values()].flat()
}

const listeners = ({ listen, nginx }: ControllerInput, suffix = ''): Lines => {
  const { http, https } = listen
  const plain = `listen 127.0.0.1:${http}${suffix};`
  if (https === undefined) return [plain]
  const http2 = https.http2 === true
  return [
    plain,
    `listen 127.0.0.1:${https.port} ssl${http2 && !nginx.hasHttp2Directive ? ' http2' : ''}${suffix};`,
    ...when(http2 && nginx.hasHttp2Directive, ['http2 on;']),
    `ssl_certificate ${https.certificateFile};`,
    `ssl_certificate_key ${https.keyFile};`,
  ]
}

const matchOf = ({ path, pathType }: Location): string =>
  pathType === 'Exact' ? `location = ${path}` : `location ${path}`

const variables = (location: Location): Lines => [
  `set $namespace ${quote(location.namespace)};`,
  `set $ingress_name ${quote(location.ingressName)};`,
  `set $service_name ${quote(location.service?.name ?? '')};`,
  `set $service_port ${quote(location.service?.port ?? '')};`,
  `set $location_path ${quote(location.ingressPath)};`,
  'set $pass_access_scheme $scheme;',
  'set $pass_server_port $server_port;',
  'set $best_http_host $http_host;',
  'set $pass_port $pass_server_port;',
]

const proxying = (location: Location): Lines => [
  `client_max_body_size ${location.annotations.bodySize};`,
  'proxy_set_header Host $best_http_host;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection $connection_upgrade;',
  'proxy_set_header X-Request-ID $req_id;',
  'proxy_set_header X-Real-IP $remote_addr;',
  'proxy_set_header X-Forwarded-For $remote_addr;',
  'proxy_set_header X-Forwarded-Host $best_http_host;',
  'proxy_set_header X-Forwarded-Port $pass_port;',
  'proxy_set_header X-Forwarded-Proto $pass_access_scheme;',
  'proxy_set_header X-Forwarded-Scheme $pass_access_scheme;',
  'proxy_set_header X-Scheme $pass_access_scheme;',
  'proxy_set_header X-Original-Forwarded-For $http_x_forwarded_for;',
  'proxy_set_header Proxy "";',
  'proxy_connect_timeout 5s;',
  'proxy_send_timeout 60s;',
  'proxy_read_timeout 60s;',
  'proxy_buffering off;',
  `proxy_buffer_size ${location.annotations.bufferSize};`,
  `proxy_buffers 4 ${location.annotations.bufferSize};`,
  'proxy_max_temp_file_size 1024m;',
  'proxy_request_buffering on;',
  'proxy_http_version 1.1;',
  'proxy_cookie_domain off;',
  'proxy_cookie_path off;',
  'proxy_next_upstream error timeout;',
  'proxy_next_upstream_timeout 0;',
  'proxy_next_upstream_tries 3;',
]

/** `return` would answer before authentication is asked for; `try_files` answers after. */
const destination = (location: Location): Lines =>
  location.service === undefined
    ? ['try_files /no-such-file =404;']
    : [`proxy_pass http://${upstreamName(location)};`, 'proxy_redirect off;']

const mainLocation = (location: Location, input: ControllerInput): Lines => {
  const denied = deniedReason(location, input)
  const toHttps = location.needsTls && input.listen.https !== undefined
  return block(matchOf(location), [
    ...variables(location),
    ...when(toHttps, block('if ($scheme = http)', ['return 308 https://$host$request_uri;'])),
    ...(denied === undefined
      ? [
          ...authDirectives(location, input.nginx.escapeModules.length > 0),
          ...corsDirectives(location.annotations.cors),
          ...proxying(location),
          ...customErrorDirectives(location),
          ...destination(location),
        ]
      : [`# Location denied. Reason: ${denied}`, 'return 503;']),
  ])
}

const serverBlock = (server: Server, input: ControllerInput): Lines => {
  // Two locations of one path share their sign-in location.
  const signIns = new Set(
    server.locations.map((location) =>
      signInLocation(location, corsHeaders(location.annotations.cors)).join('\n'),
    ),
  )
  return block('server', [
    `server_name ${server.host};`,
    ...listeners(input),
    ...clientCertificateDirectives(server, input),
    ...customErrorLocations(server, (namespace, service) => addressOf(input, namespace, service)),
    ...[...signIns].flatMap((text) => (text === '' ? [] : text.split('\n'))),
    ...server.locations.flatMap((location) => [
      ...authLocation(location, server.host, input),
      ...mainLocation(location, input),
    ]),
  ])
}

const usesAuthCache = (servers: readonly Server[]): boolean =>
  servers
    .flatMap(({ locations }) => locations)
    .some(({ annotations }) => annotations.externalAuth?.cacheKey !== undefined)

const httpSettings = (input: ControllerInput): Lines => [
  'access_log off;',
  ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${name}_temp;`,
  ),
  `underscores_in_headers ${input.underscoresInHeaders === true ? 'on' : 'off'};`,
  'ignore_invalid_headers on;',
  'client_header_buffer_size 1k;',
  'large_client_header_buffers 4 8k;',
  'client_header_timeout 60s;',
  'client_body_timeout 60s;',
  'keepalive_timeout 75s;',
  'keepalive_requests 1000;',
  'server_names_hash_bucket_size 128;',
  'proxy_headers_hash_max_size 512;',
  'proxy_headers_hash_bucket_size 64;',
  'variables_hash_max_size 2048;',
  'variables_hash_bucket_size 256;',
  'uninitialized_variable_warn off;',
  'server_tokens off;',
  'server_name_in_redirect off;',
  'port_in_redirect off;',
  'default_type text/html;',
  'reset_timedout_connection on;',
  'tcp_nodelay on;',
  ...block('map $http_upgrade $connection_upgrade', ['default upgrade;', "'' '';"]),
  ...block('map $http_x_request_id $req_id', ['default $http_x_request_id;', '"" $request_id;']),
  ...block('geo $literal_dollar', ['default "$";']),
]

/**
 * The nginx.conf that the ingress-nginx controller (v1.15) generates for these Ingresses, with
 * addresses on loopback in place of cluster names, and paths relative to nginx's prefix folder.
 */
export const renderControllerConfig = (input: ControllerInput): string => {
  const servers = serversOf(input.ingresses)
  return writeLines([
    ...input.nginx.escapeModules.map((path) => `load_module ${path};`),
    ...when(input.nginx.workerUser !== undefined, [`user ${input.nginx.workerUser};`]),
    'daemon off;',
    'pid nginx.pid;',
    'error_log error.log notice;',
    'worker_processes 2;',
    'worker_shutdown_timeout 240s;',
    ...block('events', ['worker_connections 1024;', 'multi_accept on;']),
    ...block('http', [
      ...httpSettings(input),
      // Two more processes at every start and reload, so only where something is cached.
      ...when(usesAuthCache(servers), [
        'proxy_cache_path auth-cache levels=1:2 keys_zone=auth_cache:10m max_size=128m inactive=30m use_temp_path=off;',
      ]),
      ...upstreams(servers, input),
      ...block('server', [
        'server_name _;',
        ...listeners(input, ' default_server'),
        ...block('location /', ['return 404;']),
      ]),
      ...servers.flatMap((server) => serverBlock(server, input)),
    ]),
  ])
}
