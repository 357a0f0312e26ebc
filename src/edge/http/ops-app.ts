import express, { type Express } from 'express'
import { type AdminOptions, adminRoutes } from './admin-routes.ts'
import { lastResort, notFound } from './public-app.ts'

export type OpsOptions = {
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>
  /** Checks by name; each answers whether it is fine now, or what is not, within its own deadline. */
  readonly readiness: Readonly<Record<string, () => Promise<boolean | string>>>
  readonly admin: AdminOptions
  readonly onBug: (error: unknown) => void
}

/** The listener for Prometheus, the kubelet and operators. */
export const createOpsApp = (options: OpsOptions): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', false)
  app.get('/healthz', (_request, response) => {
    response.set('Cache-Control', 'no-store').type('text').send('ok\n')
  })
  app.get('/readyz', async (request, response) => {
    const excluded = new URLSearchParams(request.originalUrl.split('?')[1]).getAll('exclude')
    const failing = await failingChecks(options.readiness, new Set(excluded))
    response
      .status(failing.length === 0 ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .type('text')
      .send(failing.length === 0 ? 'ok\n' : `not ready: ${failing.join(', ')}\n`)
  })
  app.get('/metrics', async (_request, response) => {
    const { text, contentType } = await options.metrics()
    response.set('Cache-Control', 'no-store').set('Content-Type', contentType).send(text)
  })
  app.use(adminRoutes(options.admin))
  app.use(notFound)
  app.use(lastResort(options.onBug))
  return app
}

const failingChecks = async (
  checks: OpsOptions['readiness'],
  excluded: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const names = Object.keys(checks).filter((name) => !excluded.has(name))
  const results = await Promise.all(names.map(async (name) => (await checks[name]?.()) ?? false))
  return names.flatMap((name, index) => {
    const result = results[index]
    if (result === true) return []
    return typeof result === 'string' ? [`${name} (${result})`] : [name]
  })
}
