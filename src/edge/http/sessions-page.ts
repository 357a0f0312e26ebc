import { type EpochSeconds } from '../../core/ids.ts'
import { agoText, momentText } from '../../core/moment-text.ts'
import { type OwnSessions } from '../../flow/own-sessions.ts'
import { type ListedSession } from '../../flow/session-ports.ts'
import { type Html, html } from './html.ts'
import { type Page } from './page.ts'

/** More than anybody reads. */
const MOST_SHOWN = 50

const button = (order: string, text: string, label = text): Html =>
  html`<form method="post" action="/oauth2/sessions"><button class="second" name="end" value="${order}" aria-label="${label}">${text}</button></form>`

/** His own sessions, with a button for each. */
export const sessionsPage = ({ session, here, others }: OwnSessions, now: EpochSeconds): Page => ({
  title: 'Where you are signed in',
  body: html`<p>You are signed in as <strong>${nameOf(session)}</strong>. End what you do not know; where in doubt, sign out everywhere.</p><ul class="sessions">${[
    row(here, now, html`<span class="soft">this one</span>`),
    ...others.slice(0, MOST_SHOWN).map((each) => row(each, now, endButton(each))),
  ]}</ul>${more(others.length)}<div class="actions">${
    others.length === 0 ? html`` : button('others', 'End all others')
  }${button('all', 'Sign out everywhere')}</div><p class="soft">Signing out everywhere also ends programs that use a token of yours. Or <a href="/oauth2/sign_out">sign out here only</a>.</p>`,
})

const more = (count: number): Html =>
  count <= MOST_SHOWN
    ? html``
    : html`<p class="soft">And ${String(count - MOST_SHOWN)} more, which are older.</p>`

const row = (session: ListedSession, now: EpochSeconds, action: Html): Html =>
  html`<li><div><strong>${browserOf(session)}</strong><br><small>${
    session.createdAt === undefined ? '' : `Signed in ${momentText(session.createdAt)}, `
  }used ${agoText(session.lastUsedAt, now)}</small></div>${action}</li>`

const endButton = (session: ListedSession): Html =>
  button(session.key, 'End', `End ${browserOf(session)}${sinceOf(session)}`)

const sinceOf = ({ createdAt }: ListedSession): string =>
  createdAt === undefined ? '' : `, signed in ${momentText(createdAt)}`

const browserOf = ({ browser }: ListedSession): string => browser ?? 'Unknown browser'

const nameOf = ({
  principal: { preferredUsername, email, subject },
}: OwnSessions['session']): string => preferredUsername ?? email ?? subject

export const sessionsUnreachable: Page = {
  title: 'Your sessions cannot be shown just now',
  body: html`<p>Vestibule cannot reach its session store. You have not been signed out. Please try again in a minute.</p><div class="actions"><a class="button" href="/oauth2/sessions">Try again</a></div>`,
}

export const sessionsNotEnded: Page = {
  title: 'Not everything may have ended',
  body: html`<p>Vestibule cannot reach its session store, so sessions may go on. Please look again in a minute.</p><div class="actions"><a class="button" href="/oauth2/sessions">Look again</a></div>`,
}
