import { type Browser, chromium, type Locator, type Page, type Response } from 'playwright-core'
import { findChromium } from '../../demo/command-path.ts'
import { type Site, type SiteSettings, startSite } from './support-world.ts'

/** No name but those of this machine is looked up, whatever a page or the browser itself wants. */
const LOOPBACK_ONLY =
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  LOOPBACK_ONLY,
]

/** The Chromium of the system, without a window. */
export const launchChromium = async (): Promise<Browser> => {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('chromium is not installed')
  return await chromium.launch({ executablePath, args: ARGUMENTS })
}

export type Scene = {
  readonly site: Site
  readonly browser: Browser
  readonly stop: () => Promise<void>
}

/** A site and a browser, side by side; when one of them cannot start, the other one is stopped. */
export const startScene = async (settings?: SiteSettings): Promise<Scene> => {
  const parts = [startSite(settings), launchChromium()] as const
  try {
    const [site, browser] = await Promise.all(parts)
    const stop = async (): Promise<void> => {
      await Promise.all([browser.close(), site.stop()])
    }
    return { site, browser, stop }
  } catch (error) {
    const [site, browser] = await Promise.allSettled(parts)
    if (site.status === 'fulfilled') await site.value.stop()
    if (browser.status === 'fulfilled') await browser.value.close()
    throw error
  }
}

/** Clicks on a link or button and waits until the page that it leads to has been loaded. */
export const press = async (page: Page, target: Locator): Promise<void> => {
  const before = page.url()
  await Promise.all([page.waitForURL(({ href }) => href !== before), target.click()])
}

/** The one click at the identity provider. */
export const choose = async (page: Page, person: string): Promise<void> => {
  await press(page, page.locator(`button[name=person][value=${person}]`))
}

/** Opens a page and clicks on the person. */
export const signInAt = async (page: Page, url: string, person: string): Promise<void> => {
  await page.goto(url)
  await choose(page, person)
}

export const heading = async (page: Page): Promise<string> => await page.locator('h1').innerText()

/** What a sample application says about its visitor. */
export const greeting = async (page: Page): Promise<string> =>
  await page.locator('h2').first().innerText()

/** The value that a sample application shows for a header or a claim. */
export const shown = async (page: Page, name: string): Promise<string> =>
  await page
    .locator('dt', { hasText: new RegExp(`^${name}$`, 'i') })
    .locator('xpath=following-sibling::dd[1]')
    .innerText()

/** Every answer to a navigation of the page from now on, redirects among them. */
export const recordNavigations = (page: Page): readonly Response[] => {
  const answers: Response[] = []
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) answers.push(response)
  })
  return answers
}

/** What the page complains of: errors, refused resources, violations of its security policy. */
export const recordComplaints = (page: Page): readonly string[] => {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // Chromium says this of any document whose status is not 2xx; that status is asserted.
    const isStatus = message.text().startsWith('Failed to load resource: the server responded')
    if (message.type() === 'error' && !isStatus) complaints.push(message.text())
  })
  return complaints
}
