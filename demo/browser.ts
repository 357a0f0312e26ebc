import { ask, type Reply } from './http-client.ts'

export type Visit = Reply & { readonly url: string }

export type Browser = {
  /**
   * Follows redirects until a page is shown, or until an address begins with `before`, which is
   * then not opened. With `form`, the first request posts it.
   */
  readonly open: (url: string, options?: OpenOptions) => Promise<Visit>
  /** What the browser would send to this address. */
  readonly cookiesFor: (url: string) => ReadonlyMap<string, string>
}

export type OpenOptions = {
  readonly form?: Readonly<Record<string, string>>
  readonly before?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Cookie = {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly forSubdomains: boolean
}

const MAX_REDIRECTS = 15

const parseCookie = (line: string, host: string): Cookie => {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  const domain = /;\s*domain=\.?([^;]+)/i.exec(line)?.[1]?.toLowerCase()
  return { name, value, host: domain ?? host, forSubdomains: domain !== undefined }
}

const applies = ({ host, forSubdomains }: Cookie, hostname: string): boolean =>
  hostname === host || (forSubdomains && hostname.endsWith(`.${host}`))

/** As much of a browser as signing in without script needs: redirects, forms and cookies. */
export const createBrowser = (): Browser => {
  let cookies: readonly Cookie[] = []

  const cookiesFor = (url: string): ReadonlyMap<string, string> => {
    const { hostname } = new URL(url)
    return new Map(
      cookies.filter((cookie) => applies(cookie, hostname)).map(({ name, value }) => [name, value]),
    )
  }

  const keep = (line: string, hostname: string): void => {
    const fresh = parseCookie(line, hostname)
    const others = cookies.filter(({ name, host }) => name !== fresh.name || host !== fresh.host)
    cookies = fresh.value === '' ? others : [...others, fresh]
  }

  const visit = async (url: string, { form, headers }: OpenOptions): Promise<Reply> => {
    const cookie = [...cookiesFor(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await ask(url, {
      ...(form === undefined ? {} : { form }),
      headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...headers },
    })
    for (const line of reply.setCookies) keep(line, new URL(url).hostname)
    return reply
  }

  const open: Browser['open'] = async (start, options = {}) => {
    let url = start
    let current = options
    for (let hops = 0; hops < MAX_REDIRECTS; hops += 1) {
      const reply = await visit(url, current)
      if (reply.location === undefined) return { ...reply, url }
      url = new URL(reply.location, url).href
      if (options.before !== undefined && url.startsWith(options.before)) return { ...reply, url }
      current = options.headers === undefined ? {} : { headers: options.headers }
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last one to ${url}`)
  }
  return { open, cookiesFor }
}
