const PUBLIC = `public: true
    owner: security@test
    until: 2099-01-01`

/** Paths of app.test: one literal and one prefix are public, /admin is for admins. */
const APP_RULES = `
  - allow: { and: [ { http_path: /status }, { http_method: GET } ] }
    ${PUBLIC}
  - allow: { and: [ { http_path: { starts_with: /assets/ } }, { http_method: GET } ] }
    ${PUBLIC}
  - allow: { and: [ { http_path: { starts_with: /foo/, ends_with: /bar } } ] }
    ${PUBLIC}
  - allow: { and: [ { http_path: /preflight }, { cors_preflight: true } ] }
    ${PUBLIC}
  - deny: { and: [ { http_path: { starts_with: /admin } }, { not: [ { groups: { has: admins } } ] } ] }
  - allow: { and: [ { authenticated_user: true } ] }
`

const ANY_USER = '[ { allow: { and: [ { authenticated_user: true } ] } } ]'
const NOBODY = '[ { deny: { and: [ { accept: true } ] } } ]'

/** The hosts of the corpus; the names of the files decide the order in which they are read. */
export const POLICIES: Readonly<Record<string, string>> = {
  'public.yaml': `hosts: [public.test]\npolicy:\n  - allow: { and: [ { http_path: /status }, { http_method: GET } ] }\n    ${PUBLIC}\n`,
  'app.yaml': `hosts: [app.test]\npolicy:${APP_RULES}`,
  'lenient.yaml': `hosts: [lenient.test]\npaths: { ambiguous: accept }\npolicy:${APP_RULES}`,
  'folded.yaml': `hosts: [folded.test]\npaths: { case: insensitive }\npolicy:${APP_RULES}`,
  'admin.yaml':
    'hosts: [admin.test]\npolicy: [ { allow: { and: [ { groups: { has: admins } } ] } } ]\n',
  'plain.yaml': `hosts: [plain.test, kelvin.test, xn--bcher-kva.test]\npolicy: ${ANY_USER}\n`,
  'cookies-only.yaml': `hosts: [grafana.test]\ncredentials: [cookie]\npolicy: ${ANY_USER}\n`,
  'bearer-only.yaml': `hosts: [machines.test]\ncredentials: [bearer]\npolicy: ${ANY_USER}\n`,
  'overridden.yaml': `hosts: [overridden.test]\nauthRequestRedirect: overridden\npolicy: ${ANY_USER}\n`,
  'office.yaml': `
hosts: [office.test]
policy:
  - allow: { and: [ { authenticated_user: true }, { source_ip: 10.0.0.0/8 } ] }
`,
  'other-issuer.yaml': `
hosts: [issuer.test]
policy:
  - allow: { and: [ { issuer: https://idp2.test } ] }
`,
  'preset.yaml': `hosts: [preset.test]\napp: grafana-proxy\npolicy: ${ANY_USER}\n`,
  // It believes no certificate, since nothing says that the proxy sets the header.
  'certificate.yaml': `
hosts: [certificate.test]
policy:
  - allow: { and: [ { client_certificate: { san_dns: root.test } } ] }
`,
  'deny-first.yaml': `
hosts: [deny-first.test]
policy:
  - deny: { and: [ { http_path: /x } ] }
  - allow: { and: [ { authenticated_user: true } ] }
`,
  'deny-last.yaml': `
hosts: [deny-last.test]
policy:
  - allow: { and: [ { authenticated_user: true } ] }
  - deny: { and: [ { http_path: /x } ] }
`,
  'mtls.yaml': `hosts: [mtls.test]\nproxySets: [ssl-client-cert]\npolicy: ${ANY_USER}\n`,
  'bound.yaml': `hosts: [bound.test]\nproxySets: [ssl-client-cert]\nrequire: { senderConstrained: [dpop, mtls] }\npolicy: ${ANY_USER}\n`,
  'dpop-only.yaml': `hosts: [dpop-only.test]\nrequire: { senderConstrained: [dpop] }\npolicy: ${ANY_USER}\n`,
  'fresh.yaml': `hosts: [fresh.test]\nrequire: { authAge: 5m }\npolicy: ${ANY_USER}\n`,
  'strong.yaml': `hosts: [strong.test]\nrequire: { acr: [mfa] }\npolicy: ${ANY_USER}\n`,
  'methods.yaml': `hosts: [methods.test]\nrequire: { amr: [hwk, otp] }\npolicy: ${ANY_USER}\n`,
  '1-internal-exact.yaml': `hosts: [a.internal.test]\npolicy: ${NOBODY}\n`,
  '2-internal-wildcard.yaml': `hosts: ['*.internal.test']\npolicy: ${ANY_USER}\n`,
  '1-reversed-wildcard.yaml': `hosts: ['*.reversed.test']\npolicy: ${ANY_USER}\n`,
  '2-reversed-exact.yaml': `hosts: [a.reversed.test]\npolicy: ${NOBODY}\n`,
}

/** Every value that the label `host` of a metric may have. */
export const HOST_LABELS: ReadonlySet<string> = new Set([
  'unknown',
  ...Object.values(POLICIES).flatMap((text) =>
    (/^hosts: \[([^\]]*)\]/m.exec(text)?.[1] ?? '')
      .split(',')
      .map((host) => host.trim().replaceAll("'", '')),
  ),
])
