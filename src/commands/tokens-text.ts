import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { agoText, momentText } from '../core/moment-text.ts'
import { serviceTokenSubject } from '../core/service-token.ts'
import { type PlainToken } from '../flow/service-tokens.ts'
import { printable } from './printable.ts'

export const tokenListText = (tokens: readonly PlainToken[], now: EpochSeconds): string => {
  if (tokens.length === 0) return 'No token. Next: vestibule tokens create --help.'
  const rows = [
    ['ID', 'STATE', 'EXPIRES', 'LAST USED', 'OWNER', 'HOSTS', 'PURPOSE'],
    ...tokens.map((token) => [
      token.id,
      token.state.replace('_', ' '),
      token.expiresAt?.slice(0, 10) ?? '-',
      token.lastUsedAt === null ? 'never' : agoText(secondsOf(token.lastUsedAt), now),
      printable(token.owner ?? '-'),
      token.hosts.join(',') || '-',
      printable(token.purpose ?? '-'),
    ]),
  ]
  const widths = rows[0]?.map((_each, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    '',
    'Next: vestibule tokens rotate ID gives a token a new text, tokens revoke ID ends it.',
  ].join('\n')
}

export const tokenText = (token: PlainToken, now: EpochSeconds): string =>
  [
    ['subject', serviceTokenSubject(token.id)],
    ['state', token.state.replace('_', ' ')],
    ['owner', printable(token.owner ?? 'not known')],
    ['purpose', printable(token.purpose ?? 'not known')],
    ['hosts', token.hosts.join(', ') || 'not known'],
    ['groups', printable(token.groups?.join(', ') ?? 'none')],
    ['actor', token.actor ?? 'not known'],
    ['created', shown(token.createdAt)],
    ['expires', shown(token.expiresAt)],
    ['revoked', shown(token.revokedAt)],
    ['last used', token.lastUsedAt === null ? 'never' : usedText(token.lastUsedAt, now)],
    ['older text', token.olderTextUntil === null ? 'none' : `until ${shown(token.olderTextUntil)}`],
  ]
    .map(([name = '', value = '']) => `${name.padEnd(10)}  ${value}`)
    .join('\n')

/** For standard error: the token itself, alone, goes to standard output. */
export const mintedText = (token: PlainToken, now: EpochSeconds): string =>
  [
    tokenText(token, now),
    '',
    'The token stands below and is shown this once. Callers send it as Authorization: Bearer TOKEN.',
    `Policies name it by user: ${serviceTokenSubject(token.id)}, or by its groups.`,
  ].join('\n')

const usedText = (at: string, now: EpochSeconds): string =>
  `${shown(at)}, ${agoText(secondsOf(at), now)}`

const shown = (at: string | null): string => (at === null ? 'no' : momentText(secondsOf(at)))

const secondsOf = (text: string): EpochSeconds => epochSeconds(Date.parse(text) / 1000)
