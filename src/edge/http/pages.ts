import { type Html, html } from './html.ts'
import { type Page } from './page.ts'

const againLink = html`<div class="actions"><a class="button" href="/oauth2/start">Sign in again</a></div>`

/** An outage must not cost people the page that they were on their way to. */
const retryLink = (returnTo: string): Html =>
  html`<div class="actions"><a class="button" href="/oauth2/start?rd=${encodeURIComponent(returnTo)}">Try again</a></div>`

/** The callback named no sign-in of this browser that still waits. */
export const staleSignIn: Page = {
  title: 'This sign-in is over',
  body: html`<p>It took longer than ten minutes, was finished already, or was begun in another browser. Nothing is wrong with your account.</p>${againLink}`,
}

export const refusedSignIn: Page = {
  title: 'You were not signed in',
  body: html`<p>The identity provider did not confirm who you are. If you cancelled, simply begin again; if it keeps happening, tell the people who run this service.</p>${againLink}`,
}

export const providerUnreachable = (returnTo: string): Page => ({
  title: 'Signing in is not possible just now',
  body: html`<p>The identity provider does not answer. Pages where you are signed in go on working. Please try again in a minute.</p>${retryLink(returnTo)}`,
})

export const storeUnreachable = (returnTo: string): Page => ({
  title: 'Signing in is not possible just now',
  body: html`<p>Vestibule cannot reach its session store. You have not been signed out. Please try again in a minute.</p>${retryLink(returnTo)}`,
})

export const signOutFailed: Page = {
  title: 'You may still be signed in',
  body: html`<p>Vestibule cannot reach its session store, so the session may not have been ended. Please try again in a minute.</p>`,
}

export const signedOut: Page = {
  title: 'You are signed out',
  body: html`<p>Your session here has ended.</p>${againLink}`,
}

/** In a frame of the provider; says the same whether or not there was a session to end. */
export const endedElsewhere: Page = {
  title: 'You signed out elsewhere',
  body: html`<p>If that session was used here, it has ended here too.</p>`,
}

/** Asked where another site sent the browser here. */
export const confirmSignOut = (returnTo: string): Page => ({
  title: 'Sign out?',
  body: html`<p>Another site asked to sign you out. Did you want that?</p><form method="post" action="/oauth2/sign_out"><input type="hidden" name="rd" value="${returnTo}"><div class="actions"><button>Sign out</button><a class="button second" href="/">Stay signed in</a></div></form>`,
})

export const welcome = (who: string | undefined): Page =>
  who === undefined
    ? {
        title: 'Vestibule',
        body: html`<p>You are not signed in.</p><div class="actions"><a class="button" href="/oauth2/start">Sign in</a></div>`,
      }
    : {
        title: 'Vestibule',
        body: html`<p>You are signed in as <strong>${who}</strong>.</p><div class="actions"><a class="button second" href="/oauth2/sessions">Your sessions</a><a class="button second" href="/oauth2/sign_out">Sign out</a></div>`,
      }

/**
 * Stands behind a 403 of a protected application, on its host: no link but an absolute one works.
 * Says nothing of rules or groups, nor that the reader is known, who may be anybody.
 */
export const denied = (requestId: string | undefined): Page => ({
  title: 'You may not open this page',
  body: html`<p>The policy of this application does not let you in here. If you should have access, ask the people who run it.</p>${
    requestId === undefined
      ? html``
      : html`<p class="soft">Tell them this request id: <code>${requestId}</code></p>`
  }`,
})

/** Stands behind any other error that nginx asks a page for. */
export const failed = (status: number, signInUrl: string): Page => ({
  title: status === 401 ? 'Please sign in' : 'This page cannot be shown just now',
  body:
    status === 401
      ? html`<p>This page is for people who are signed in.</p><div class="actions"><a class="button" href="${signInUrl}">Sign in</a></div>`
      : html`<p>The application or a service it needs does not answer. Please try again in a minute.</p>`,
})
