const AUTH_URL =
  'http://vestibule.vestibule.svc.cluster.local:8080/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path'

const IDENTITY_HEADERS =
  'X-Auth-Request-User,X-Auth-Request-Email,X-Auth-Request-Preferred-Username,X-Auth-Request-Groups,X-Auth-Request-Actor,X-Vestibule-Assertion,Cookie'

/** One more host before an application of the demonstration, as YAML; without `auth-signin`. */
export const ingressYaml = (
  host: string,
  service: string,
  annotations: Readonly<Record<string, string>> = {},
): string => {
  const all = { 'auth-url': AUTH_URL, 'auth-response-headers': IDENTITY_HEADERS, ...annotations }
  return `kind: Ingress
metadata:
  name: ${host}
  namespace: e2e
  annotations:
${Object.entries(all)
  .map(([name, value]) => `    nginx.ingress.kubernetes.io/${name}: "${value}"`)
  .join('\n')}
spec:
  rules:
    - host: ${host}.vestibule.localhost
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: ${service}, port: { number: 80 } } } }
`
}
