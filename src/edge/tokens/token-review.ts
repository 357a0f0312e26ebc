import { z } from 'zod'
import { type Claims } from '../../core/principal.ts'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { type Reviewed, type TokenReview } from './token-issuer.ts'

export type TokenReviewOptions = {
  /** `…/apis/authentication.k8s.io/v1/tokenreviews` of the cluster. */
  readonly url: string
  readonly audiences: readonly string[]
  /** Vestibule's own token, with which it asks. */
  readonly readBearerToken: () => Promise<string>
  /** How long an answer is believed; the token of a deleted pod passes so long. */
  readonly cacheSeconds: number
  readonly fetch: BoundedFetch
  readonly nowSeconds: () => number
  /** Called when the cluster gave no answer. */
  readonly onFailure: (detail: string) => void
}

const ANSWER = z.object({
  status: z.object({
    authenticated: z.unknown().optional(),
    audiences: z.array(z.string()).nullish(),
    user: z.object({ username: z.string().optional() }).optional(),
    error: z.string().optional(),
  }),
})

/**
 * Asks a Kubernetes cluster whether a service-account token still counts: one whose pod or account
 * is gone does not, while its signature is good until it expires.
 */
export const createTokenReview =
  (options: TokenReviewOptions): TokenReview =>
  async (token, claims) => {
    try {
      return reviewedOf(await askCluster(options, token), claims, options)
    } catch (error) {
      options.onFailure(error instanceof Error ? error.message : 'unknown')
      return { kind: 'unreachable' }
    }
  }

const askCluster = async (
  { url, audiences, readBearerToken, fetch }: TokenReviewOptions,
  token: string,
): Promise<z.infer<typeof ANSWER>['status']> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: `Bearer ${await readBearerToken()}`,
    },
    body: JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences },
    }),
  })
  if (response.status !== 200 && response.status !== 201) {
    throw new TypeError(`${url} answered ${response.status}`)
  }
  return ANSWER.parse(await response.json()).status
}

/** A cluster that ignores audiences says yes and names none: that yes is for itself alone. */
const reviewedOf = (
  { authenticated, audiences, user, error = '' }: z.infer<typeof ANSWER>['status'],
  claims: Claims,
  options: TokenReviewOptions,
): Reviewed => {
  if (authenticated !== true && REFUSED.test(error)) return { kind: 'bad' }
  if (error !== '') throw new TypeError(`TokenReview says: ${error.slice(0, 200)}`)
  const isForUs = audiences?.some((audience) => options.audiences.includes(audience)) === true
  return authenticated === true && isForUs && user?.username === claims['sub']
    ? { kind: 'good', until: options.nowSeconds() + options.cacheSeconds }
    : { kind: 'bad' }
}

/**
 * An error says that the token could not be checked. Clusters say with one, too, that they did
 * check, and that the pod or account is gone; there is no code to tell the two apart by.
 */
const REFUSED = /\binvalid bearer token\b|\btoken has been invalidated\b/i
