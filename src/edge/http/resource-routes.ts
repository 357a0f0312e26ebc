import { Router } from 'express'
import { RESOURCE_METADATA_PATH } from '../../core/protected-resource.ts'
import { only } from './browser-request.ts'
import { type PublicOptions } from './public-options.ts'

/**
 * Protected-resource metadata (RFC 9728 section 3). It is asked for at the protected host, whose
 * Ingress leads this one path here; so the Host header says which host is meant. Whoever lies in it
 * reads what anybody may read.
 */
export const resourceRoutes = ({ resourceMetadata }: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.all(RESOURCE_METADATA_PATH, only('GET', 'HEAD'), (request, response, next) => {
    const metadata = resourceMetadata(request.get('host') ?? '')
    if (metadata === undefined) next()
    // Programs in browsers ask for it from other origins, without credentials.
    else {
      response
        .set('Cache-Control', 'public, max-age=300')
        .set('Access-Control-Allow-Origin', '*')
        .json(metadata)
    }
  })
  return router
}
