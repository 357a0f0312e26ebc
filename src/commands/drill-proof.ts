import { epochSeconds, parseSessionId, type SessionId } from '../core/ids.ts'
import { type Authenticated } from '../core/principal.ts'
import { type Config } from '../edge/config/config.ts'
import { readSecretFile } from '../edge/config/secrets.ts'
import { cookieName } from '../service/parts.ts'
import { type Sessions } from '../service/sessions.ts'

/** What the drill shows as proof of who asks. */
export type DrillProof = {
  readonly kind: 'minted' | 'cookie' | 'token'
  readonly header: readonly [name: string, value: string]
  readonly sessionId: SessionId | undefined
}

export type DrillPerson = {
  readonly subject: string
  readonly email: string | undefined
  readonly groups: readonly string[]
}

/** A forgotten one ends by itself. */
const LIFE_SECONDS = 120

/** A session that lives for two minutes at most, and says what it is wherever it is listed. */
export const mintProof = async (
  config: Config,
  { store }: Pick<Sessions, 'store'>,
  person: DrillPerson,
): Promise<DrillProof> => {
  const now = epochSeconds(Date.now() / 1000)
  const made = await store.create(
    {
      principal: principalOf(config, person, now),
      createdAt: now,
      // The provider knows nothing of it, and is not asked while it lives.
      checkedAt: epochSeconds(now + LIFE_SECONDS),
      issuedAt: undefined,
    },
    { idToken: '', accessToken: '', accessExpiresAt: undefined, refreshToken: undefined },
    { startedAt: now, browser: 'Vestibule drill' },
  )
  if (!made.ok) throw new Error(`no session could be made for the drill: ${made.failure}`)
  const limited = await store.retire(made.value, LIFE_SECONDS)
  if (!limited.ok) {
    await store.end(store.keyOf(made.value))
    throw new Error('the session of the drill could not be limited')
  }
  return cookieProof(config, made.value, 'minted')
}

const principalOf = (
  { identityProvider }: Config,
  { subject, email, groups }: DrillPerson,
  now: number,
): Authenticated => ({
  kind: 'authenticated',
  actor: 'human',
  subject,
  issuer: identityProvider.issuer,
  email,
  preferredUsername: undefined,
  groups,
  claims: {
    sub: subject,
    auth_time: now,
    ...(email === undefined ? {} : { email, email_verified: true }),
  },
})

/** The value of a session cookie, or `name=value`, in a file. */
export const readCookieProof = async (config: Config, file: string): Promise<DrillProof> => {
  const text = await readProof(file)
  const id = parseSessionId(text.slice(text.indexOf('=') + 1))
  if (id === undefined) throw new Error(`${file} holds no session cookie`)
  return cookieProof(config, id, 'cookie')
}

export const readTokenProof = async (file: string): Promise<DrillProof> => {
  const token = await readProof(file)
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new Error(`${file} holds no bearer token`)
  return { kind: 'token', header: ['Authorization', `Bearer ${token}`], sessionId: undefined }
}

const readProof = async (file: string): Promise<string> => {
  const read = await readSecretFile(file)
  if (!read.ok) throw new Error(`${read.failure.problem}. ${read.failure.remedy}`)
  return read.value.reveal().trim()
}

const cookieProof = (config: Config, id: SessionId, kind: DrillProof['kind']): DrillProof => ({
  kind,
  header: ['Cookie', `${cookieName(config)}=${id}`],
  sessionId: id,
})
