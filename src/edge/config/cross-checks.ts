import { type Fault } from '../../core/fault.ts'
import { keyPath } from '../files/schema-faults.ts'
import { type YamlFile } from '../files/yaml-file.ts'
import { type ConfigFile } from './schema.ts'
import { type Complaint, tokenIssuerComplaints } from './token-issuer-checks.ts'

/** Faults that lie between two keys. */
export const crossFaults = (config: ConfigFile, yaml: YamlFile): readonly Fault[] =>
  [...cookie(config), ...session(config), ...workers(config), ...tokenIssuerComplaints(config)].map(
    ({ path, problem, remedy }) => ({
      file: yaml.file,
      ...yaml.placeOf(path),
      key: keyPath(path),
      problem,
      remedy,
    }),
  )

export const isHttp = (config: Pick<ConfigFile, 'publicUrl'>): boolean =>
  new URL(config.publicUrl).protocol === 'http:'

const cookie = (config: ConfigFile): readonly Complaint[] => {
  const complaints: Complaint[] = []
  const host = new URL(config.publicUrl).hostname.toLowerCase()
  const domain = config.cookie.domain.toLowerCase()
  if (host !== domain && !host.endsWith(`.${domain}`)) {
    complaints.push({
      path: ['cookie', 'domain'],
      problem: `does not cover ${host}, the host of publicUrl`,
      remedy: 'Name a parent domain of publicUrl and of the protected hosts.',
    })
  }
  const name = config.cookie.name ?? ''
  // Browsers know the prefixes in any case (RFC 6265bis section 4.1.3).
  if (/^__host-/i.test(name)) {
    complaints.push({
      path: ['cookie', 'name'],
      problem: 'browsers refuse a __Host- cookie that has a domain',
      remedy: 'Use the prefix __Secure-.',
    })
  }
  if (name.startsWith('__') && isHttp(config)) {
    complaints.push({
      path: ['cookie', 'name'],
      problem: 'browsers refuse this prefix over plain http',
      remedy: 'Remove the key; over http the name is `vestibule`.',
    })
  }
  return complaints
}

/** Each worker would know the sessions that it made itself, and no others. */
const workers = ({ workers: count, session: { store } }: ConfigFile): readonly Complaint[] =>
  store === 'memory' && typeof count === 'number' && count > 1
    ? [
        {
          path: ['workers'],
          problem: `${count} workers cannot share session.store: memory`,
          remedy: 'Set session.store to a Redis that all workers share, or workers: 1.',
        },
      ]
    : []

const session = ({
  session: { idle, absolute, store, keys, keysFile, tls },
}: ConfigFile): readonly Complaint[] => {
  const complaints: Complaint[] = []
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    complaints.push({
      path: ['session', 'tls', tls.certFile === undefined ? 'keyFile' : 'certFile'],
      problem: 'needs the other half',
      remedy: 'Set session.tls.certFile and session.tls.keyFile, or neither.',
    })
  }
  if (Object.values(tls).some((file) => file !== undefined) && !store.startsWith('rediss')) {
    complaints.push({
      path: ['session', 'tls'],
      problem: 'has no effect: session.store does not say rediss',
      remedy: 'Write rediss:// for a store that is reached by TLS, or remove the key.',
    })
  }
  if (idle > absolute) {
    complaints.push({
      path: ['session', 'idle'],
      problem: 'is longer than session.absolute',
      remedy: 'A session cannot be idle for longer than it lives.',
    })
  }
  if (store !== 'memory' && keys === undefined && keysFile === undefined) {
    complaints.push({
      path: ['session', 'store'],
      problem: 'a shared store needs keys that all replicas share',
      remedy: 'Set session.keysFile; `vestibule keys generate` makes one.',
    })
  }
  return complaints
}
