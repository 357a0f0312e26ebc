import { escapeHtml, renderPage } from '../page.ts'
import type { Directory, Person } from './people.ts'

const ACCENT = '#7a4fd0'
const FOOTER = 'Development identity provider. It knows no passwords: a click is a sign-in.'

const personButton = (person: Person, disabled: boolean): string => `
<button name="person" value="${escapeHtml(person.id)}"${disabled ? ' disabled' : ''}>
<strong>${escapeHtml(person.name)}${disabled ? ' (disabled)' : ''}</strong>
<span>${escapeHtml(person.email)}${person.emailVerified ? '' : ' (not verified)'}</span>
<span>${escapeHtml(person.groups.join(', ') || 'no groups')}</span>
</button>`

export type SignInRequest = {
  readonly action: string
  readonly client: string
  readonly acr: string | undefined
  readonly directory: Directory
}

export const signInPage = ({ action, client, acr, directory }: SignInRequest): string =>
  renderPage({
    title: 'Sign in',
    accent: ACCENT,
    footer: FOOTER,
    body: `<header>
<h1>Who are you?</h1>
<p>Sign in to <strong>${escapeHtml(client)}</strong>${
      acr === undefined ? '' : ` with assurance <strong>${escapeHtml(acr)}</strong>`
    }.</p>
</header>
<form method="post" action="${escapeHtml(action)}">${directory
      .all()
      .map((person) => personButton(person, directory.isDisabled(person.id)))
      .join('')}
</form>`,
  })

/** `form` is the library's: it carries the token against cross-site requests. */
export const signOutPage = (form: string): string =>
  renderPage({
    title: 'Sign out',
    accent: ACCENT,
    footer: FOOTER,
    body: `<header><h1>Sign out everywhere?</h1>
<p>This ends your session at the identity provider.</p></header>
<section>${form}
<button autofocus type="submit" form="op.logoutForm" name="logout" value="yes"><strong>Yes, sign me out</strong></button>
</section>`,
  })

export const homePage = (issuer: string): string =>
  noticePage(
    'Development identity provider',
    `Issuer ${issuer}. Applications send people here to sign in.`,
  )

export const noticePage = (title: string, text: string): string =>
  renderPage({
    title,
    accent: ACCENT,
    footer: FOOTER,
    body: `<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></header><section></section>`,
  })
