/** Lower case, without scheme, port and trailing dot; undefined for what is no host pattern. */
export const parseHostPattern = (text: string): string | undefined => {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[/?#].*$/, '')
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
  const name = host.replace(/^\*\./, '')
  return host.length <= 253 && HOST_NAME.test(name) ? host : undefined
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)

/** Whether everything that the inner pattern means is meant by the outer one. */
export const covers = (outer: string, inner: string): boolean =>
  outer === inner ||
  (outer.startsWith('*.') && inner.replace(/^\*\./, 'any.').endsWith(outer.slice(1)))
