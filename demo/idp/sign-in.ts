import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Provider } from 'oidc-provider'
import { PAGE_HEADERS } from '../page.ts'
import { ACR_VALUES } from './configuration.ts'
import { noticePage, signInPage } from './pages.ts'
import type { Directory } from './people.ts'

const MAX_FORM_BYTES = 10_000

const chosenPerson = async (request: IncomingMessage): Promise<string | undefined> => {
  const length = Number(request.headers['content-length'] ?? MAX_FORM_BYTES)
  if (length >= MAX_FORM_BYTES) return undefined
  return new URLSearchParams(await text(request)).get('person') ?? undefined
}

const wantedAcr = (params: Readonly<Record<string, unknown>>): string | undefined => {
  const wanted = typeof params['acr_values'] === 'string' ? params['acr_values'].split(' ') : []
  return wanted.find((acr) => (ACR_VALUES as readonly string[]).includes(acr))
}

/** The page on which a person signs in with one click: GET shows it, POST is the click. */
export const handleSignIn = async (
  provider: Provider,
  directory: Directory,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { params, uid } = await provider.interactionDetails(request, response)
  const acr = wantedAcr(params)
  if (request.method !== 'POST') {
    const page = {
      action: `/interaction/${uid}`,
      client: String(params['client_id']),
      acr,
      directory,
    }
    response.writeHead(200, PAGE_HEADERS).end(signInPage(page))
    return
  }
  const person = directory.find((await chosenPerson(request)) ?? '')
  if (person === undefined) {
    response
      .writeHead(400, PAGE_HEADERS)
      .end(noticePage('Not known', 'Nobody of that name may sign in.'))
    return
  }
  const amr = acr === 'mfa' ? ['pwd', 'otp'] : ['pwd']
  await provider.interactionFinished(request, response, {
    login: { accountId: person.id, acr: acr ?? 'pwd', amr },
  })
}
