import { z } from 'zod'

/**
 * What has to be of the right type where it is there at all, since the API server would refuse it
 * otherwise, and a finding could hide behind it. Everything else is let be.
 */
const texts = z.record(z.string(), z.string()).nullish()
const text = z.string().nullish()
const port = z.union([z.string(), z.number()]).nullish()
const loose = z.looseObject

const list = (item: z.ZodType): z.ZodType => z.array(item).nullish()

export const ENVELOPE = loose({
  apiVersion: z.string().min(1).max(320),
  kind: z.string().regex(/^[A-Za-z0-9]{1,63}$/, 'a kind is one word'),
  metadata: loose({
    name: z.string().max(253).nullish(),
    generateName: z.string().max(253).nullish(),
    namespace: z.string().max(63).nullish(),
    labels: texts,
    annotations: texts,
  }),
})

const backend = loose({
  service: loose({
    name: z.string(),
    port: loose({ name: text, number: port }).nullish(),
  }).nullish(),
  serviceName: text,
  servicePort: port,
}).nullish()

const ingress = loose({
  spec: loose({
    ingressClassName: text,
    defaultBackend: backend,
    backend,
    rules: list(
      loose({
        host: text,
        http: loose({ paths: list(loose({ path: text, pathType: text, backend })) }).nullish(),
      }),
    ),
    tls: list(loose({ hosts: list(z.string()), secretName: text })),
  }).nullish(),
})

const service = loose({
  spec: loose({
    type: text,
    selector: texts,
    externalName: text,
    loadBalancerSourceRanges: list(z.string()),
    ports: list(
      loose({ name: text, port: z.number(), targetPort: port, nodePort: z.number().nullish() }),
    ),
  }).nullish(),
})

const requirement = loose({ key: z.string(), operator: z.string(), values: list(z.string()) })
const selector = loose({ matchLabels: texts, matchExpressions: list(requirement) }).nullish()

const peers = list(
  loose({
    namespaceSelector: selector,
    podSelector: selector,
    ipBlock: loose({ cidr: z.string(), except: list(z.string()) }).nullish(),
  }),
)
const policyPorts = list(loose({ port, protocol: text, endPort: z.number().nullish() }))

const networkPolicy = loose({
  spec: loose({
    podSelector: selector,
    policyTypes: list(z.string()),
    ingress: list(loose({ from: peers, ports: policyPorts })),
    egress: list(loose({ to: peers, ports: policyPorts })),
  }).nullish(),
})

const containers = list(
  loose({
    name: text,
    image: text,
    args: list(z.string()),
    command: list(z.string()),
    env: list(loose({ name: z.string(), value: text })),
    ports: list(loose({ containerPort: z.number(), hostPort: z.number().nullish(), name: text })),
  }),
)
const podSpec = loose({
  containers,
  initContainers: containers,
  hostNetwork: z.boolean().nullish(),
}).nullish()
const template = loose({ metadata: loose({ labels: texts }).nullish(), spec: podSpec }).nullish()

const workload = loose({ spec: loose({ template }).nullish() })

const cronJob = loose({
  spec: loose({ jobTemplate: loose({ spec: loose({ template }).nullish() }).nullish() }).nullish(),
})

/** By group and kind, without the version. */
export const SHAPES: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['networking.k8s.io/Ingress', ingress],
  ['extensions/Ingress', ingress],
  ['/Service', service],
  ['networking.k8s.io/NetworkPolicy', networkPolicy],
  ['/ConfigMap', loose({ data: texts })],
  ['/Pod', loose({ spec: podSpec })],
  ['apps/Deployment', workload],
  ['apps/StatefulSet', workload],
  ['apps/DaemonSet', workload],
  ['apps/ReplicaSet', workload],
  ['batch/Job', workload],
  ['batch/CronJob', cronJob],
])
