import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** How the IdP misbehaves; `paths` limits it to paths that start with one of these. */
export type Behaviour = {
  readonly delayMilliseconds?: number
  readonly status?: number
  /** Closes the connection without an answer. */
  readonly hangUp?: boolean
  /** Does what it is asked, and the answer never arrives. */
  readonly losesAnswers?: boolean
  readonly paths?: readonly string[]
}

export type Traffic = {
  readonly setBehaviour: (behaviour: Behaviour) => void
  /** How often an endpoint was asked, for example `/token` or `/jwks`. */
  readonly count: (path: string) => number
  readonly counts: () => Readonly<Record<string, number>>
  readonly resetCounts: () => void
  /** True when the request has been answered here, and is nobody else's business. */
  readonly intercept: (path: string, response: ServerResponse) => Promise<boolean>
}

/** Interaction ids stand in the path; they would make every count one. */
const endpointOf = (path: string): string =>
  path.replace(/^\/(auth|interaction)\/.*$/, (_whole, endpoint: string) => `/${endpoint}/…`)

/** The connection stays open, and nothing is written to it. */
const mute = (response: ServerResponse): void => {
  response.write = () => true
  response.end = () => response
}

export const createTraffic = (): Traffic => {
  const counters = new Map<string, number>()
  let current: Behaviour = {}
  return {
    setBehaviour: (behaviour) => {
      current = behaviour
    },
    count: (path) => counters.get(path) ?? 0,
    counts: () => Object.fromEntries(counters),
    resetCounts: () => counters.clear(),
    intercept: async (path, response) => {
      const endpoint = endpointOf(path)
      counters.set(endpoint, (counters.get(endpoint) ?? 0) + 1)
      const { delayMilliseconds, status, hangUp, losesAnswers, paths } = current
      if (paths?.every((prefix) => !path.startsWith(prefix)) === true) return false
      if (delayMilliseconds !== undefined) {
        // Unreferenced: a slow answer must not keep a stopped process alive.
        await delay(delayMilliseconds, undefined, { ref: false })
      }
      if (losesAnswers === true) {
        mute(response)
        return false
      }
      if (hangUp === true) {
        response.destroy()
        return true
      }
      if (status === undefined) return response.destroyed
      response.writeHead(status, { 'content-length': 0 }).end()
      return true
    },
  }
}
