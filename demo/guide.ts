import { relative } from 'node:path'
import { WORKLOAD } from './identity-provider.ts'
import { CLIENT_ID } from './idp/clients.ts'
import { inspectNginx } from './nginx-build.ts'
import type { World } from './world.ts'

const runs = (world: World): readonly string[] => {
  const { ports, identityProvider, controller, store } = world
  const { version } = inspectNginx()
  return [
    'What runs',
    `  nginx ${version.padEnd(8)} 127.0.0.1:${ports.nginx}   as ingress-nginx would configure it: ${controller.prefix}/nginx.conf`,
    `  Vestibule      verify 127.0.0.1:${ports.verify} · public 127.0.0.1:${ports.public} · ops 127.0.0.1:${ports.ops}`,
    `                 sessions: ${store}   configuration: ${world.vestibule.configFile}`,
    `  IdP            ${identityProvider.issuer}   client ${CLIENT_ID}, workload ${WORKLOAD.id}`,
    `  Applications   ${[...world.applications.values()].map(({ name, address }) => `${name} ${address}`).join(' · ')}`,
    ...controller.warnings.map((warning) => `  Note           ${warning}`),
  ]
}

const opens = ({ url }: World): readonly string[] => [
  'Open in a browser, and sign in with one click',
  `  ${url('grafana').padEnd(44)} SRE; /d for developers too; /admin for the platform team`,
  `  ${url('wiki').padEnd(44)} everybody signed in; /public/welcome for everybody`,
  `  ${url('api').padEnd(44)} the pipeline (bearer token), SRE`,
  `  ${url('auth').padEnd(44)} Vestibule itself: who am I, sign out`,
  '',
  '  as      groups          grafana            wiki   api',
  '  alice   sre, platform   all, with /admin   yes    yes',
  '  bob     developers      only /d            yes    no',
  '  carol   contractors     no: grant expired  yes    no',
  '  dana    auditors        no                 yes    no: e-mail is not verified',
]

const curls = ({ url, identityProvider }: World): readonly string[] => [
  'Try with curl',
  '  # nobody is signed in: to the sign-in page; a script gets 401 as JSON instead',
  `  curl -si ${url('grafana')} | grep -iE '^(HTTP|location)'`,
  `  curl -sL -H 'Accept: application/json' -H 'X-Requested-With: XMLHttpRequest' ${url('grafana')}`,
  '  # a program below /v1, where the Ingress has no auth-signin: an honest 401',
  `  curl -si ${url('api', '/v1/orders')}`,
  '  # the pipeline gets a token, and passes',
  `  TOKEN=$(curl -s -u ${WORKLOAD.id}:${WORKLOAD.secret} -d grant_type=client_credentials ${identityProvider.issuer}/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
  `  curl -s -H "Authorization: Bearer $TOKEN" -H 'Accept: application/json' ${url('api', '/v1/orders')}`,
  '  # a forged identity header does not survive',
  `  curl -s -H 'X-Auth-Request-User: root' -H 'Accept: application/json' ${url('wiki', '/public/welcome')}`,
  '  # nor does a claim to be another host',
  `  curl -si -H 'Host: wiki.vestibule.localhost' --request-target ${url('grafana', '/public')} ${url('wiki')} | head -1`,
]

const more = ({ ports }: World): readonly string[] => [
  'And then',
  `  http://127.0.0.1:${ports.ops}/metrics   what Prometheus reads`,
  `  ${relative(process.cwd(), import.meta.dirname) || '.'}/policies/*.yaml   edit them; the next decision follows the new ones`,
  '  Ctrl-C stops everything and leaves nothing behind',
]

/** What runs where, whom to sign in as, and what to try. */
export const guide = (world: World): string =>
  [runs(world), opens(world), curls(world), more(world)]
    .map((section) => section.join('\n'))
    .join('\n\n')
