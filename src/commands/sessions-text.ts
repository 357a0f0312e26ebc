import { type EpochSeconds } from '../core/ids.ts'
import { agoText, momentText } from '../core/moment-text.ts'
import { type SessionList } from '../flow/find-sessions.ts'
import { type RevocationOrder } from '../flow/revoke.ts'
import { type ListedSession } from '../flow/session-ports.ts'
import { printable } from './printable.ts'

/** As many characters as the decision log shows. */
const SHOWN = 12

export const listText = (
  { sessions, isWhole }: SessionList,
  subject: string | undefined,
  now: EpochSeconds,
): string => {
  const whose = subject === undefined ? '' : ` of ${printable(subject)}`
  if (sessions.length === 0) return `No session${whose}.${hintFor(subject)}`
  return [
    ...tableText(sessions, now),
    '',
    `${isWhole ? '' : 'At least '}${counted(sessions.length)}${whose}.${isWhole ? '' : ' More with --limit.'}`,
    subject === undefined
      ? 'Next: vestibule sessions list --subject WHO says with which browser; only then is it known.'
      : 'Next: vestibule sessions revoke --id KEY ends one, --subject WHO all of them.',
  ].join('\n')
}

const hintFor = (subject: string | undefined): string =>
  subject === undefined
    ? ''
    : ' Write the subject as the decision log shows it (principal.subject).'

const tableText = (sessions: readonly ListedSession[], now: EpochSeconds): readonly string[] => {
  const rows = [
    ['KEY', 'SIGNED IN', 'LAST USED', 'BROWSER'],
    ...sessions.map((session) => [
      session.key.slice(0, SHOWN),
      session.createdAt === undefined ? '-' : momentText(session.createdAt),
      agoText(session.lastUsedAt, now),
      printable(session.browser ?? '-'),
    ]),
  ]
  const widths = [0, 1, 2, 3].map((index) =>
    Math.max(...rows.map((row) => row[index]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

export const showText = (session: ListedSession, now: EpochSeconds): string =>
  [
    `key        ${session.key}`,
    `signed in  ${session.createdAt === undefined ? 'only its cookie tells' : momentText(session.createdAt)}`,
    `last used  ${momentText(session.lastUsedAt)}, ${agoText(session.lastUsedAt, now)}`,
    `browser    ${session.browser ?? 'only its cookie tells'}`,
    '',
    'Next: grep the key in the decision log for whose it is; vestibule sessions revoke --id KEY.',
  ].join('\n')

/** `sessions` is undefined where nobody counts them. */
export const endedText = (order: RevocationOrder, sessions: number | undefined): string => {
  switch (order.kind) {
    case 'session':
      return 'Ended the session. No replica lets it pass any more.'
    case 'subject':
      return subjectText(printable(order.subject), sessions)
    case 'before':
      return `Ended every session and bearer token that began before ${new Date(order.momentMs).toISOString()}.`
    case 'everything':
      return 'Ended every session, and every bearer token issued until now. People sign in again.'
  }
}

const subjectText = (subject: string, sessions: number | undefined): string => {
  const found = sessions === undefined ? 'all sessions' : counted(sessions)
  const next =
    sessions === 0
      ? 'Was it spelt as in the decision log (principal.subject)?'
      : 'Next: end the account at the identity provider too, or a new sign-in begins anew.'
  return `Ended ${found} of ${subject}, and the bearer tokens issued to it until now.\n${next}`
}

const counted = (count: number): string =>
  count === 0 ? 'no session' : `${count} session${count === 1 ? '' : 's'}`
