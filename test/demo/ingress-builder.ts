import type { Ingress, IngressPath } from '../../demo/controller/ingress.ts'

export const AUTH_URL =
  'http://vestibule.auth.svc.cluster.local:8080/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path'

export const CLUSTER_NAME = 'vestibule.auth.svc.cluster.local:8080'

type Paths = Readonly<Record<string, IngressPath['pathType']>>

/** An Ingress in front of `Service web`, with annotations named without their prefix. */
export const anIngress = (
  host: string,
  annotations: Readonly<Record<string, string>> = {},
  paths: Paths = { '/': 'Prefix' },
): Ingress => ({
  metadata: {
    name: `${host.replace(/\W+/g, '-')}-ingress`,
    namespace: 'shop',
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [
        `nginx.ingress.kubernetes.io/${name}`,
        value,
      ]),
    ),
  },
  spec: {
    rules: [
      {
        host,
        http: {
          paths: Object.entries(paths).map(([path, pathType]) => ({
            path,
            pathType,
            backend: { service: { name: 'web', port: { number: 80 } } },
          })),
        },
      },
    ],
  },
})
