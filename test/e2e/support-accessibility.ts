import { type Page } from 'playwright-core'

/** One node of what a screen reader is told. */
export type Node = {
  readonly role: string
  readonly name: string
  readonly level: number | undefined
}

type AxValue = { readonly value?: string | number | boolean }

type AxNode = {
  readonly ignored: boolean
  readonly role?: AxValue
  readonly name?: AxValue
  readonly properties?: readonly { readonly name: string; readonly value: AxValue }[]
}

/** The accessibility tree as Chromium computes it, without what it leaves out. */
export const accessibilityTree = async (page: Page): Promise<readonly Node[]> => {
  const session = await page.context().newCDPSession(page)
  try {
    const { nodes } = (await session.send('Accessibility.getFullAXTree')) as unknown as {
      readonly nodes: readonly AxNode[]
    }
    return nodes
      .filter(({ ignored }) => !ignored)
      .map(({ role, name, properties = [] }) => {
        const level = properties.find((each) => each.name === 'level')?.value.value
        return {
          role: String(role?.value ?? ''),
          name: String(name?.value ?? '').trim(),
          level: typeof level === 'number' ? level : undefined,
        }
      })
  } finally {
    await session.detach()
  }
}

/** Roles that say nothing without a name (WCAG 2.2, 1.1.1, 1.3.1 and 4.1.2). */
const NAMED: ReadonlySet<string> = new Set([
  'image',
  'img',
  'region',
  'table',
  'heading',
  'link',
  'button',
  'DisclosureTriangle',
  'columnheader',
  'rowheader',
])

const LANDMARKS = ['banner', 'main', 'contentinfo']

/** What somebody who does not see the page would miss. */
export const accessibilityFaults = (tree: readonly Node[]): readonly string[] => {
  const levels = tree.flatMap(({ role, level }) => (role === 'heading' ? [level ?? 0] : []))
  return [
    ...tree
      .filter(({ role, name }) => NAMED.has(role) && name === '')
      .map(({ role }) => `a ${role} has no name`),
    ...LANDMARKS.filter(
      (landmark) => tree.filter(({ role }) => role === landmark).length !== 1,
    ).map((landmark) => `not one ${landmark}`),
    ...levels
      .filter((level, index) => level > (levels[index - 1] ?? 0) + 1)
      .map((level) => `a heading of level ${level} skips one`),
    ...(levels.filter((level) => level === 1).length === 1 ? [] : ['not one first heading']),
  ]
}

/** What is not seen, since it sticks out of something that neither wraps nor scrolls. */
const CLIPPED = `[...document.querySelectorAll('main *')].filter((element) => {
  const style = getComputedStyle(element)
  return element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 &&
    !['auto', 'scroll', 'visible'].includes(style.overflowX) && style.position !== 'absolute' &&
    style.display !== 'inline'
}).map((element) => element.outerHTML.slice(0, 80))`

/** What scrolls sideways and cannot be reached with the keyboard (WCAG 2.2, 2.1.1). */
const UNREACHABLE = `[...document.querySelectorAll('*')].filter((element) =>
  element.scrollWidth > element.clientWidth + 1 &&
  ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) && element.tabIndex < 0
).map((element) => element.outerHTML.slice(0, 80))`

const SMALL = `[...document.querySelectorAll('summary, a, button')]
  .filter((element) => element.getBoundingClientRect().height > 0 && element.getBoundingClientRect().height < 24)
  .map((element) => element.textContent.trim())`

const COUNT = `document.querySelectorAll('*').length`
const OPEN_ALL = `for (const each of document.querySelectorAll('details')) each.open = true`

export const clipped = async (page: Page): Promise<readonly string[]> =>
  await page.evaluate(CLIPPED)

export const unreachable = async (page: Page): Promise<readonly string[]> =>
  await page.evaluate(UNREACHABLE)

/** Targets below 24 pixels (WCAG 2.2, 2.5.8). */
export const smallTargets = async (page: Page): Promise<readonly string[]> =>
  await page.evaluate(SMALL)

export const elementCount = async (page: Page): Promise<number> => await page.evaluate(COUNT)

export const openAll = async (page: Page): Promise<void> => {
  await page.evaluate(OPEN_ALL)
}
