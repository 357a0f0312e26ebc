import { type VerifyRequest } from '../support/verify-request.ts'

/*
 * Another reading of what is public, written apart from the service: the few literal rules of
 * `support-requests-policies.ts`, over the path as nginx would route it.
 */

const routed = (target: string): string | undefined => {
  const [raw = ''] = target.split(/[?#]/)
  if (!raw.startsWith('/') || /%(?![0-9a-f]{2})|%00/i.test(raw)) return undefined
  let path = raw.replace(/%([0-9a-f]{2})/gi, (_escape, pair: string) =>
    String.fromCharCode(Number.parseInt(pair, 16)),
  )
  path = `${path}${/\/\.{1,2}$/.test(path) ? '/' : ''}`.replace(/\/{2,}/g, '/')
  for (let before = ''; before !== path; ) {
    before = path
    path = path
      .replace(/\/\.(?=\/)/, '')
      .replace(/^((?:\/[^/]+)*?)\/(?!\.\.?\/)[^/]+\/\.\.(?=\/)/, '$1')
  }
  return /^\/\.\.(?:\/|$)/.test(path) ? undefined : path
}

/** Methods and paths of the public rules; on folded.test in lower case. */
const OPEN: readonly (readonly [methods: RegExp, path: RegExp])[] = [
  [/^(?:GET|HEAD)$/, /^\/status$/],
  [/^(?:GET|HEAD)$/, /^\/assets\//],
  [/^OPTIONS$/, /^\/preflight$/],
  [/^(?!TRACE$|CONNECT$)/, /^\/foo\/.*\/bar$/s],
]

const OPEN_HOSTS: Readonly<Record<string, typeof OPEN>> = {
  'app.test': OPEN,
  'lenient.test': OPEN,
  'folded.test': OPEN.map(([methods, path]) => [methods, new RegExp(path.source, 'is')]),
  'public.test': OPEN.slice(0, 1),
}

/** Whether some public rule may admit anybody to this request; no more than it should. */
export const mayBeOpen = ({ url = '', host = '', method = 'GET' }: VerifyRequest): boolean => {
  const [, authority = '', target = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url.trim()) ?? []
  const name = authority
    .replace(/:[0-9]+$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
  const path = routed(target)
  if (path === undefined || name !== host.toLowerCase()) return false
  const rules = OPEN_HOSTS[name] ?? []
  return rules.some(([methods, paths]) => methods.test(method.trim()) && paths.test(path))
}
