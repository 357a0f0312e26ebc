import { type PresetGuide } from './preset-guide.ts'

/** What the API server has to know before it takes an assertion. */
const API_SERVER =
  'kube-apiserver AuthenticationConfiguration: jwt issuer url {publicUrl}, audiences [{host}], claimMappings username email and groups, each with a prefix of its own'

const KUBECTL_NOTE =
  'A cluster whose API server cannot be configured (many managed ones) has no use for this preset; leave the application its own sign-in.'

/** Applications that act in the name of their visitors at the Kubernetes API. */
export const KUBERNETES_GUIDES: Readonly<Record<string, PresetGuide>> = {
  'k8s-dashboard': {
    identity: 'bearer',
    machinePaths: [],
    hasOwnTokens: false,
    settings: [API_SERVER],
    notes: ['Kubernetes Dashboard is archived; Headlamp succeeds it.', KUBECTL_NOTE],
  },
  headlamp: {
    identity: 'bearer',
    machinePaths: [],
    hasOwnTokens: false,
    settings: [API_SERVER],
    notes: ['Tokens with many groups are long: raise proxy-buffer-size.', KUBECTL_NOTE],
  },
  kiali: {
    identity: 'bearer',
    machinePaths: [],
    hasOwnTokens: false,
    settings: ['auth.strategy: header', API_SERVER],
    notes: [KUBECTL_NOTE],
  },
  'kube-jwt': {
    identity: 'bearer',
    machinePaths: [],
    hasOwnTokens: false,
    settings: [API_SERVER],
    notes: [
      'Refuse user names and groups that begin with system: in userValidationRules.',
      'kubectl sees a plain 403 when Vestibule denies: nginx drops the explanation.',
    ],
  },
  kubeflow: {
    identity: 'headers',
    machinePaths: [],
    hasOwnTokens: false,
    settings: ['USERID_HEADER=kubeflow-userid', 'USERID_PREFIX='],
    notes: ['Every part of Kubeflow trusts that header: close the way past nginx first.'],
  },
}
