const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** All flags of oauth2-proxy (v7.15), by what becomes of them here. */
const BY_FATE: readonly (readonly [string, string])[] = [
  [
    'carried',
    `acr-values allowed-group allowed-role authenticated-emails-file azure-tenant bitbucket-repository
    bitbucket-team client-id client-secret client-secret-file cookie-domain cookie-expire cookie-name
    email-domain entra-id-allowed-tenant extra-jwt-issuers github-org github-repo github-team github-user
    gitlab-group gitlab-project google-group htpasswd-file htpasswd-user-group
    insecure-oidc-allow-unverified-email keycloak-group oidc-email-claim oidc-groups-claim
    oidc-issuer-url provider redirect-url redis-cluster-connection-urls redis-connection-url
    redis-sentinel-connection-urls redis-sentinel-master-name redis-use-cluster redis-use-sentinel scope
    session-store-type skip-auth-preflight skip-auth-regex skip-auth-route skip-jwt-bearer-tokens
    trusted-ip user-id-claim`,
  ],
  [
    'secrets are not carried over. Make new ones with vestibule keys generate, and put them into files',
    `cookie-secret cookie-secret-file redis-password redis-username redis-sentinel-password
    basic-auth-password jwt-key jwt-key-file signature-key github-token`,
  ],
  [
    'is always so here',
    `code-challenge-method force-code-challenge-method cookie-csrf-per-request
    cookie-csrf-per-request-limit cookie-csrf-expire cookie-csrf-samesite encode-state cookie-httponly
    cookie-secure cookie-samesite cookie-path set-xauthrequest reverse-proxy skip-provider-button
    session-cookie-minimal request-id-header auth-logging request-logging standard-logging
    skip-auth-strip-headers pass-host-header proxy-websockets bearer-token-login-fallback
    skip-oidc-discovery cookie-refresh auth-request-response-mode relative-redirect-url
    force-json-errors redis-connection-idle-timeout`,
  ],
  [
    'is not needed: everything else about the provider is found by discovery',
    `login-url redeem-url oidc-jwks-url profile-url validate-url pubjwk-url skip-claims-from-profile-url
    oidc-public-key-file resource`,
  ],
  [
    'is a weakness that has no counterpart',
    `insecure-oidc-skip-issuer-verification insecure-oidc-skip-nonce ssl-insecure-skip-verify
    ssl-upstream-insecure-skip-verify redis-insecure-skip-tls-verify allow-query-semicolons`,
  ],
  [
    'is the part of nginx: Vestibule proxies nothing',
    `upstream upstream-timeout flush-interval disable-keep-alives force-https https-address tls-cert-file
    tls-key-file tls-cipher-suite tls-min-version pass-basic-auth pass-access-token
    pass-authorization-header pass-user-headers api-route`,
  ],
  [
    'hands a token of the provider to the application, which Vestibule does not: let it verify X-Vestibule-Assertion',
    'set-authorization-header set-basic-auth prefer-email-to-user',
  ],
  [
    'has its own place here: see listen in the configuration, /healthz, /readyz and /metrics on the ops listener',
    `http-address metrics-address metrics-secure-address metrics-tls-cert-file metrics-tls-key-file
    ping-path ping-user-agent ready-path gcp-healthchecks`,
  ],
  [
    'has no counterpart: log lines are JSON on standard output',
    `auth-logging-format request-logging-format standard-logging-format errors-to-info-log
    exclude-logging-path logging-compress logging-filename logging-local-time logging-max-age
    logging-max-backups logging-max-size silence-ping-logging`,
  ],
  [
    'has no counterpart: there is no page before the provider’s',
    `banner footer custom-sign-in-logo custom-templates-dir display-htpasswd-form provider-display-name
    show-debug-on-error`,
  ],
  ['has no counterpart: the paths are fixed', 'proxy-prefix'],
  ['is not needed: people are sent back to hosts that a policy names', 'whitelist-domain'],
  [
    'has no counterpart: addresses come from nginx, and prove nothing',
    'real-client-ip-header trusted-proxy-ip',
  ],
  [
    'has no counterpart: the provider is asked as OpenID Connect says. Put the groups into a claim there',
    `azure-graph-group-field google-admin-api-user-scope google-admin-email google-service-account-json
    google-target-principal google-use-application-default-credentials google-use-organization-id
    entra-id-federated-token-auth`,
  ],
  [
    'has no counterpart: the trust store is that of Node (NODE_EXTRA_CA_CERTS)',
    'provider-ca-file redis-ca-path use-system-trust-store',
  ],
  [
    'has no counterpart: sign-out ends the session at the provider by end_session_endpoint',
    'backend-logout-url',
  ],
  [
    'has no counterpart. What a page needs is asked for by `require` in its policy',
    'approval-prompt prompt',
  ],
  [
    'narrows which tokens count. Set tokenIssuers, or the client at the provider, to the same',
    'oidc-audience-claim oidc-extra-audience oidc-enabled-signing-alg',
  ],
]

/** What becomes of a flag: `carried`, or why not; undefined for what is none. */
export const FATES: ReadonlyMap<string, string> = new Map(
  BY_FATE.flatMap(([fate, names]) => words(names).map((name) => [name, fate] as const)),
)

const LISTS: ReadonlySet<string> = new Set(
  words(`allowed-group allowed-role api-route cookie-domain email-domain entra-id-allowed-tenant
    exclude-logging-path extra-jwt-issuers github-user gitlab-group gitlab-project google-group
    htpasswd-user-group keycloak-group oidc-audience-claim oidc-enabled-signing-alg oidc-extra-audience
    oidc-public-key-file provider-ca-file redis-cluster-connection-urls redis-sentinel-connection-urls
    skip-auth-regex skip-auth-route tls-cipher-suite trusted-ip trusted-proxy-ip upstream
    whitelist-domain`),
)

const SWITCHES: ReadonlySet<string> = new Set(
  words(`allow-query-semicolons auth-logging bearer-token-login-fallback cookie-csrf-per-request
    cookie-httponly cookie-secure disable-keep-alives display-htpasswd-form encode-state entra-id-
    federated-token-auth errors-to-info-log force-https force-json-errors gcp-healthchecks google-
    use-application-default-credentials google-use-organization-id insecure-oidc-allow-unverified-
    email insecure-oidc-skip-issuer-verification insecure-oidc-skip-nonce logging-compress
    logging-local-time pass-access-token pass-authorization-header pass-basic-auth pass-host-
    header pass-user-headers prefer-email-to-user proxy-websockets redis-insecure-skip-tls-verify
    redis-use-cluster redis-use-sentinel relative-redirect-url request-logging reverse-proxy
    session-cookie-minimal set-authorization-header set-basic-auth set-xauthrequest show-debug-on-
    error silence-ping-logging skip-auth-preflight skip-auth-strip-headers skip-claims-from-
    profile-url skip-jwt-bearer-tokens skip-oidc-discovery skip-provider-button ssl-insecure-skip-
    verify ssl-upstream-insecure-skip-verify standard-logging use-system-trust-store`),
)

export const isList = (flag: string): boolean => LISTS.has(flag)

/** Flags that stand without a value. */
export const isSwitch = (flag: string): boolean => SWITCHES.has(flag)

/** Names in a file and the environment are plural for lists, but for these four. */
const SAME_IN_PLURAL: ReadonlySet<string> = new Set([
  'extra-jwt-issuers',
  'redis-cluster-connection-urls',
  'redis-sentinel-connection-urls',
  'skip-auth-regex',
])

const fileKey = (flag: string): string =>
  `${flag.replaceAll('-', '_')}${LISTS.has(flag) && !SAME_IN_PLURAL.has(flag) ? 's' : ''}`

const BY_FILE_KEY: ReadonlyMap<string, string> = new Map(
  [...FATES.keys()].map((flag) => [fileKey(flag), flag]),
)

/** `email_domains` → `email-domain`; undefined for what is no key. */
export const flagOfKey = (key: string): string | undefined => BY_FILE_KEY.get(key)

/** `OAUTH2_PROXY_EMAIL_DOMAINS` → `email-domain`. */
export const flagOfVariable = (name: string): string | undefined =>
  name.startsWith('OAUTH2_PROXY_')
    ? BY_FILE_KEY.get(name.slice('OAUTH2_PROXY_'.length).toLowerCase())
    : undefined
