/** Where sessions are kept, as `session.store` says it. Passwords stay percent-decoded text. */
export type StoreAddress =
  | { readonly kind: 'memory' }
  | (Access & { readonly kind: 'standalone'; readonly nodes: Nodes; readonly database: number })
  | (Access & {
      readonly kind: 'sentinel'
      readonly nodes: Nodes
      /** The name by which the Sentinels know the primary. */
      readonly primary: string
      readonly database: number
    })
  | (Access & { readonly kind: 'cluster'; readonly nodes: Nodes })

export type StoreNode = { readonly host: string; readonly port: number }
type Nodes = readonly [StoreNode, ...StoreNode[]]

type Access = {
  readonly isTls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
}

const FORM =
  /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+?)(?:\/([^/?#\s]*))?(?:\/([0-9]{1,4}))?$/
const DEFAULT_PORT = { standalone: 6379, sentinel: 26_379, cluster: 6379 } as const

/**
 * Reads `memory`, `redis://host:port/db`, `redis+sentinel://h1,h2/primary/db` or
 * `redis+cluster://h1,h2`; `rediss` for TLS; `user:password@` before the hosts.
 */
export const parseStoreAddress = (text: string): StoreAddress | undefined => {
  if (text === 'memory') return { kind: 'memory' }
  const [whole, scheme, way = 'standalone', access, hosts = '', ...path] = FORM.exec(text) ?? []
  if (whole === undefined || !isWay(way)) return undefined
  const nodes = nodesOf(hosts, DEFAULT_PORT[way])
  const credentials = credentialsOf(access)
  if (nodes === undefined || credentials === undefined) return undefined
  const common = { nodes, isTls: scheme === 'rediss', ...credentials }
  return BY_WAY[way](common, path[0] ?? '', path[1])
}

type Way = keyof typeof DEFAULT_PORT
type Read = (
  common: Access & { readonly nodes: Nodes },
  first: string,
  second: string | undefined,
) => StoreAddress | undefined

const BY_WAY: Readonly<Record<Way, Read>> = {
  standalone: (common, first, second) =>
    common.nodes.length === 1 && second === undefined && /^[0-9]{0,4}$/.test(first)
      ? { kind: 'standalone', ...common, database: Number(first) }
      : undefined,
  sentinel: (common, first, second) =>
    first === ''
      ? undefined
      : { kind: 'sentinel', ...common, primary: first, database: Number(second ?? 0) },
  cluster: (common, first, second) =>
    first === '' && second === undefined ? { kind: 'cluster', ...common } : undefined,
}

const isWay = (text: string): text is Way => Object.hasOwn(DEFAULT_PORT, text)

const credentialsOf = (
  text: string | undefined,
): Pick<Access, 'username' | 'password'> | undefined => {
  if (text === undefined) return { username: undefined, password: undefined }
  const colon = text.indexOf(':')
  const username = decoded(colon === -1 ? text : text.slice(0, colon))
  const password = decoded(colon === -1 ? '' : text.slice(colon + 1))
  if (username === undefined || password === undefined) return undefined
  return {
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : password,
  }
}

/** A password may hold a bare `%`, which is no escape: it is taken as it stands. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const NODE = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/i

const nodesOf = (text: string, port: number): Nodes | undefined => {
  const nodes = text.split(',').map((each): StoreNode | undefined => {
    const [, host, written] = NODE.exec(each) ?? []
    const number = written === undefined ? port : Number(written)
    return host === undefined || number < 1 || number > 65_535
      ? undefined
      : { host: host.replace(/^\[|\]$/g, ''), port: number }
  })
  const known = nodes.filter((node) => node !== undefined)
  const [first, ...others] = known
  return first !== undefined && known.length === nodes.length ? [first, ...others] : undefined
}
