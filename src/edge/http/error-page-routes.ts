import { type Request, type Response, Router } from 'express'
import { sendPage } from './page.ts'
import { denied, failed } from './pages.ts'

/**
 * Pages behind errors (`custom-http-errors` with this service as `default-backend`). The
 * controller asks at `/`, with any method, and tells the real status in X-Code; the page must keep
 * it, or a 403 would become a 200 at the client.
 */
export const errorPageRoutes = (publicOrigin: string): Router => {
  const signInUrl = `${publicOrigin}/oauth2/start`
  const router = Router({ caseSensitive: true, strict: true })
  router.all('/denied', (request, response) => sendErrorPage(request, response, 403, signInUrl))
  router.all('/', (request, response, next) => {
    const status = codeOf(request)
    if (status === undefined) next()
    else sendErrorPage(request, response, status, signInUrl)
  })
  return router
}

const codeOf = (request: Request): number | undefined => {
  const code = request.get('x-code')
  return code !== undefined && /^[45][0-9]{2}$/.test(code) ? Number(code) : undefined
}

const sendErrorPage = (
  request: Request,
  response: Response,
  otherwise: number,
  signInUrl: string,
): void => {
  const status = codeOf(request) ?? otherwise
  const requestId = request.get('x-request-id')
  const isClean = requestId !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(requestId)
  if (status === 403) sendPage(response, status, denied(isClean ? requestId : undefined))
  else sendPage(response, status, failed(status, signInUrl))
}
