import { type Request, type RequestHandler, type Response } from 'express'

/** The raw query, parsed without nesting or joining; a repeated name is undefined, as an absent one. */
export const queryOf = (
  request: Request,
): { readonly raw: string; readonly one: (name: string) => string | undefined } => {
  const mark = request.originalUrl.indexOf('?')
  const raw = mark === -1 ? '' : request.originalUrl.slice(mark + 1)
  const parameters = new URLSearchParams(raw)
  return {
    raw,
    one: (name) => {
      const [value, ...others] = parameters.getAll(name)
      return others.length === 0 ? value : undefined
    },
  }
}

/**
 * Whether somebody is looking: scripts, git, curl and XHR must get an answer that they understand
 * instead of a sign-in page. Browsers say it in fetch metadata, always with a destination; other
 * clients say what they accept.
 */
export const isNavigation = (request: Request): boolean => {
  if (request.get('sec-fetch-dest') !== undefined) {
    return request.get('sec-fetch-mode') === 'navigate'
  }
  if (request.get('x-requested-with') !== undefined) return false
  return (request.get('accept') ?? '').toLowerCase().includes('text/html')
}

/** A browser that fetches ahead must not use up anything. */
export const isPrefetch = (request: Request): boolean =>
  /prefetch|prerender/i.test(`${request.get('sec-purpose') ?? ''} ${request.get('purpose') ?? ''}`)

/** Another site made the browser ask, or may have. */
export const isCrossSite = (request: Request): boolean =>
  request.get('sec-fetch-site') === 'cross-site'

/** express answers HEAD with GET's handler; one that redeems or signs out must not. */
export const only =
  (...methods: readonly string[]): RequestHandler =>
  (request, response, next) => {
    if (methods.includes(request.method)) next()
    else response.status(405).set('Allow', methods.join(', ')).end()
  }

/** Sends the very text that was checked; express would encode it anew and add a page. */
export const redirect = (response: Response, url: string): void => {
  response.status(302).set('Location', url).end()
}
