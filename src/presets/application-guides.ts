import { KUBERNETES_GUIDES } from './kubernetes-guides.ts'
import { forPrograms, type PresetGuide } from './preset-guide.ts'

/** By the name of the preset; a test holds that every preset has one. */
export const PRESET_GUIDES: Readonly<Record<string, PresetGuide>> = {
  'grafana-jwt': {
    identity: 'assertion',
    machinePaths: [forPrograms('/api', 'scripts with service account tokens', 'application')],
    hasOwnTokens: true,
    settings: [
      'GF_AUTH_JWT_ENABLED=true',
      'GF_AUTH_JWT_HEADER_NAME=X-Vestibule-Assertion',
      'GF_AUTH_JWT_JWK_SET_URL={publicUrl}/.well-known/jwks.json',
      'GF_AUTH_JWT_EXPECT_CLAIMS={"iss":"{publicUrl}","aud":"{host}"}',
      'GF_AUTH_JWT_EMAIL_CLAIM=email',
      'GF_AUTH_JWT_USERNAME_CLAIM=email',
      'GF_AUTH_JWT_AUTO_SIGN_UP=true',
      'GF_AUTH_JWT_URL_LOGIN=false',
      'GF_AUTH_DISABLE_LOGIN_FORM=true',
      'GF_AUTH_SIGNOUT_REDIRECT_URL={publicUrl}/oauth2/sign_out',
    ],
    notes: [
      'Pages call /api too, with the cookie: give programs a host of their own, or send the token in a header that only they have.',
      'Set role_attribute_path, and role_attribute_strict, or everybody becomes Viewer.',
    ],
  },
  'grafana-proxy': {
    identity: 'headers',
    machinePaths: [forPrograms('/api', 'scripts with service account tokens', 'application')],
    hasOwnTokens: true,
    settings: [
      'GF_AUTH_PROXY_ENABLED=true',
      'GF_AUTH_PROXY_HEADER_NAME=X-WEBAUTH-USER',
      'GF_AUTH_PROXY_HEADERS=Email:X-WEBAUTH-EMAIL Groups:X-WEBAUTH-GROUPS',
      'GF_AUTH_PROXY_ENABLE_LOGIN_TOKEN=false',
      'GF_AUTH_PROXY_SYNC_TTL=0',
    ],
    notes: [
      'Whoever reaches Grafana past nginx can name himself: set GF_AUTH_PROXY_WHITELIST and a NetworkPolicy, or use grafana-jwt.',
    ],
  },
  'argocd-jwt': {
    identity: 'bearer',
    machinePaths: [forPrograms('/api/webhook', 'the Git server', 'application', 'Exact')],
    hasOwnTokens: false,
    settings: [
      'argocd-cm: oidc.config: {name: Vestibule, issuer: {publicUrl}, clientID: {host}, allowedAudiences: [{host}]}',
      "argocd-rbac-cm: scopes: '[groups]'",
    ],
    notes: [
      'The argocd command and gRPC need a host of their own, with a bearer token and without sign-in.',
      'The webhook checks the secret of the Git server; set webhook.github.secret or its like.',
    ],
  },
  'kibana-jwt': {
    identity: 'bearer',
    machinePaths: [],
    hasOwnTokens: false,
    settings: [
      'elasticsearch.requestHeadersWhitelist: [authorization]',
      'xpack.security.authc.http.schemes: [apikey, bearer]',
      'Elasticsearch realm jwt1: token_type id_token, allowed_issuer {publicUrl}, allowed_audiences {host}, allowed_signature_algorithms ES256, claims.principal email, claims.groups groups, pkc_jwkset_path {publicUrl}/.well-known/jwks.json',
    ],
    notes: ['The realm needs a role mapping for the groups.'],
  },
  'jenkins-jwt': {
    identity: 'assertion',
    machinePaths: [
      forPrograms('/github-webhook/', 'the Git server', 'application', 'Exact'),
      forPrograms('/tcpSlaveAgentListener', 'build agents', 'application'),
    ],
    hasOwnTokens: true,
    settings: [
      'JWT Auth plugin: headerName X-Vestibule-Assertion, userClaimName email, groupsClaimName groups',
      'JWT Auth plugin: acceptedIssuer {publicUrl}, acceptedAudience {host}, jwksUrl {publicUrl}/.well-known/jwks.json',
      'JWT Auth plugin: allowVerificationFailures false',
    ],
    notes: ['Scripts with API tokens use Basic on every path: give them a host of their own.'],
  },
  gitea: {
    identity: 'headers',
    machinePaths: [forPrograms('/api', 'scripts with access tokens', 'application')],
    hasOwnTokens: true,
    settings: [
      '[service] ENABLE_REVERSE_PROXY_AUTHENTICATION = true',
      '[service] ENABLE_REVERSE_PROXY_EMAIL = true',
      '[security] REVERSE_PROXY_TRUSTED_PROXIES = addresses of the controller pods',
    ],
    notes: [
      'The image trusts every proxy unless REVERSE_PROXY_TRUSTED_PROXIES says otherwise (CVE-2026-20896).',
      'Git over HTTP has paths that a prefix cannot name: clone over SSH, or give Git a host of its own.',
    ],
  },
  sonarqube: {
    identity: 'headers',
    machinePaths: [forPrograms('/api', 'scanners with tokens', 'application')],
    hasOwnTokens: true,
    settings: [
      'sonar.web.sso.enable=true',
      'sonar.web.sso.loginHeader=X-Forwarded-Login',
      'sonar.web.sso.emailHeader=X-Forwarded-Email',
      'sonar.web.sso.groupsHeader=X-Forwarded-Groups',
    ],
    notes: [
      'List X-Forwarded-Name in auth-response-headers too: a client could send it otherwise.',
    ],
  },
  backstage: {
    identity: 'headers',
    machinePaths: [],
    hasOwnTokens: true,
    settings: ['auth.providers.oauth2Proxy: {}', 'signInPage: oauth2Proxy'],
    notes: ['Its back ends call each other past nginx; allow that in the NetworkPolicy.'],
  },
  'gitlab-gate': {
    identity: 'gate_only',
    machinePaths: [
      forPrograms('/api', 'scripts and runners with their tokens', 'application'),
      forPrograms('/jwt/auth', 'clients of the container registry', 'application', 'Exact'),
    ],
    hasOwnTokens: true,
    settings: [],
    notes: [
      'Project paths hold %2F: the policy says paths: { ambiguous: accept } for this host.',
      'Git over HTTP has paths that a prefix cannot name: clone over SSH, or give Git a host of its own.',
      'Must not be the identity provider of the gate itself: nobody could sign in any more.',
    ],
  },
  'prometheus-gate': {
    identity: 'gate_only',
    machinePaths: [
      forPrograms('/api/v1/write', 'remote write of other clusters', 'vestibule', 'Exact'),
      forPrograms('/federate', 'federation', 'vestibule', 'Exact'),
    ],
    hasOwnTokens: false,
    settings: [],
    notes: [
      'Whoever passes sees everything: deny /api/v1/admin, /-/reload and /-/quit by path.',
      'Grafana asks the Service, not this host; allow it in the NetworkPolicy.',
    ],
  },
  'alertmanager-gate': {
    identity: 'gate_only',
    machinePaths: [
      forPrograms('/api/v2/alerts', 'Prometheus of other clusters', 'vestibule', 'Exact'),
    ],
    hasOwnTokens: false,
    settings: [],
    notes: [
      'Whoever passes may silence alerts: deny POST on /api/v2/silences to those who may not.',
    ],
  },
  'vault-gate': {
    identity: 'gate_only',
    machinePaths: [forPrograms('/v1', 'programs with Vault tokens', 'application')],
    hasOwnTokens: true,
    settings: [],
    notes: [
      'The pages use /v1 as well; keep the gate on a host for people and give programs another.',
      'X-Vault-Token has to arrive untouched: never list it in auth-response-headers.',
    ],
  },
  'harbor-gate': {
    identity: 'gate_only',
    machinePaths: [
      forPrograms('/v2', 'docker and helm with robot accounts', 'application'),
      forPrograms('/service/token', 'docker and helm with robot accounts', 'application', 'Exact'),
      forPrograms('/api', 'scripts with robot accounts', 'application'),
    ],
    hasOwnTokens: true,
    settings: ['auth_mode=oidc_auth, with the same identity provider'],
    notes: ['docker follows WWW-Authenticate of Harbor, so /v2 must answer for itself.'],
  },
  ...KUBERNETES_GUIDES,
}
