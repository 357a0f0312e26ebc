/** A method is a token (RFC 9110 section 9.1). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** These are refused on every host, before any rule is asked. */
const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'CONNECT'])

const USUAL: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

/** Whether a rule may ever be asked about a request with this method. */
export const canHaveMethod = (method: string): boolean => methodComplaint(method) === undefined

/** What is wrong with a method in a rule, as problem and remedy. */
export const methodComplaint = (method: string): readonly [string, string] | undefined => {
  if (!TOKEN.test(method)) return ['is no method', 'Write one word, such as GET']
  if (REFUSED.has(method)) return ['is never let through', 'Remove it']
  const upper = method.toUpperCase()
  return method !== upper && USUAL.has(upper)
    ? [
        'is no method that clients send, since methods are compared with their case',
        `Write ${upper}`,
      ]
    : undefined
}
