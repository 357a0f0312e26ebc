import { type IdentityHeaderNames } from '../core/identity-source.ts'

/** What an application behind a front proxy accepts as identity, by the name that `app:` uses. */
export type ApplicationPreset = {
  readonly name: string
  /** Headers that are sent besides the configured ones; list them in `auth-response-headers` too. */
  readonly headers: IdentityHeaderNames
  readonly about: string
}

export const APPLICATION_PRESETS: readonly ApplicationPreset[] = [
  {
    name: 'grafana-jwt',
    headers: [],
    about: 'Grafana with [auth.jwt] reads X-Vestibule-Assertion; its groups give the role.',
  },
  {
    name: 'grafana-proxy',
    headers: [
      ['X-WEBAUTH-USER', 'preferred_username'],
      ['X-WEBAUTH-EMAIL', 'email'],
      ['X-WEBAUTH-GROUPS', 'groups'],
    ],
    about: 'Grafana with [auth.proxy]; limit its whitelist to the controller.',
  },
  {
    name: 'argocd-jwt',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'Argo CD verifies the assertion as a bearer token of the issuer in oidc.config.',
  },
  {
    name: 'kibana-jwt',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'Kibana passes the bearer token on to a JWT realm of Elasticsearch.',
  },
  {
    name: 'jenkins-jwt',
    headers: [],
    about: 'The JWT Auth plugin of Jenkins reads X-Vestibule-Assertion.',
  },
  {
    name: 'gitea',
    headers: [
      ['X-WEBAUTH-USER', 'preferred_username'],
      ['X-WEBAUTH-EMAIL', 'email'],
    ],
    about:
      'Gitea and Forgejo with reverse proxy authentication; narrow REVERSE_PROXY_TRUSTED_PROXIES.',
  },
  {
    name: 'sonarqube',
    headers: [
      ['X-Forwarded-Login', 'preferred_username'],
      ['X-Forwarded-Email', 'email'],
      ['X-Forwarded-Groups', 'groups'],
    ],
    about: 'SonarQube with HTTP header single sign-on.',
  },
  {
    name: 'backstage',
    headers: [
      ['X-Forwarded-User', 'subject'],
      ['X-Forwarded-Preferred-Username', 'preferred_username'],
      ['X-Forwarded-Email', 'email'],
    ],
    about: 'Backstage with the oauth2Proxy provider.',
  },
  {
    name: 'gitlab-gate',
    headers: [],
    about: 'GitLab keeps its own sign-in; this is a gate before it.',
  },
  {
    name: 'prometheus-gate',
    headers: [],
    about: 'Prometheus knows no users; this is a gate before it.',
  },
  {
    name: 'alertmanager-gate',
    headers: [],
    about: 'Alertmanager knows no users; a gate before it.',
  },
  {
    name: 'k8s-dashboard',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'Kubernetes Dashboard passes the bearer token on to the API server.',
  },
  {
    name: 'headlamp',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'Headlamp passes the bearer token on to the API server.',
  },
  {
    name: 'kiali',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'Kiali with auth.strategy header passes the bearer token on to the API server.',
  },
  {
    name: 'kube-jwt',
    headers: [['Authorization', 'bearer_assertion']],
    about: 'The Kubernetes API verifies the assertion by its AuthenticationConfiguration.',
  },
  {
    name: 'kubeflow',
    headers: [['kubeflow-userid', 'email']],
    about: 'Kubeflow with USERID_HEADER kubeflow-userid.',
  },
  {
    name: 'vault-gate',
    headers: [],
    about: 'Vault keeps its own sign-in and tokens; a gate before it.',
  },
  {
    name: 'harbor-gate',
    headers: [],
    about: 'Harbor keeps its own sign-in; a gate before its portal.',
  },
]
