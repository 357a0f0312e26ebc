import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals'
import { type Browser, type BrowserContext, type Page } from 'playwright-core'
import { createWorkplace, type Workplace } from '../commands/policy-reports-support.ts'
import { COMPANY_REPORT, companyFiles } from '../migrate/support-company.ts'
import { countElements, htmlFaults } from '../support/html-check.ts'
import {
  accessibilityFaults,
  accessibilityTree,
  clipped,
  elementCount,
  openAll,
  smallTargets,
  unreachable,
} from './support-accessibility.ts'
import { launchChromium, recordComplaints } from './support-browser.ts'
import { appearance, SCHEMES } from './support-page.ts'

jest.setTimeout(60_000)

/** The commands that write a page, each with its own files. */
const REPORTS = [
  {
    name: 'migrate report',
    title: 'From network trust to identity',
    words: COMPANY_REPORT,
  },
  {
    name: 'migrate inventory',
    title: 'What the network still decides',
    words: [
      'migrate',
      'inventory',
      'test/fixtures/cluster',
      '--format',
      'html',
      '--out',
      '@inventory.html',
    ],
  },
] as const

/** A phone, the narrowest page that has to fit (WCAG 2.2, 1.4.10), and a desk. */
const WIDTHS = [390, 320, 1280] as const

let browser: Browser
let workplace: Workplace

beforeAll(async () => {
  workplace = await createWorkplace()
  await workplace.write(companyFiles())
  browser = await launchChromium()
})

afterAll(async () => {
  await browser.close()
  await workplace.remove()
})

describe.each(REPORTS)('the page of $name', ({ title, words }) => {
  let context: BrowserContext
  let page: Page
  let file: string
  let complaints: readonly string[]
  const requests: string[] = []

  beforeAll(async () => {
    await workplace.run(...words)
    file = join(workplace.folder, words.at(-1)?.slice(1) ?? '')
  })

  beforeEach(async () => {
    context = await browser.newContext()
    page = await context.newPage()
    page.on('request', (request) => requests.push(request.url()))
    complaints = recordComplaints(page)
    await page.goto(pathToFileURL(file).href)
  })

  afterEach(async () => {
    await context.close()
  })

  test('is valid, and the browser reads what is written', async () => {
    const written = await readFile(file, 'utf8')
    expect(htmlFaults(written)).toEqual([])
    expect(await elementCount(page)).toBe(countElements(written))
  })

  test('needs nothing else, and keeps its own security policy', () => {
    expect([requests.filter((url) => url !== pathToFileURL(file).href), complaints]).toEqual([
      [],
      [],
    ])
  })

  test.each(WIDTHS)('fits %i pixels without scrolling sideways, light and dark', async (width) => {
    await page.setViewportSize({ width, height: 844 })
    await openAll(page)
    const backgrounds = new Set<string>()
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      const look = await appearance(page)
      backgrounds.add(look.background)
      expect(look).toMatchObject({
        title,
        headings: [title],
        language: 'en',
        foreign: 0,
        inlineHandlers: 0,
      })
      expect(look.overflow).toBeLessThanOrEqual(0)
      expect(look.contrast).toBeGreaterThanOrEqual(4.5)
    }
    expect(backgrounds.size).toBe(2)
    expect([await clipped(page), await unreachable(page), await smallTargets(page)]).toEqual([
      [],
      [],
      [],
    ])
  })

  test('can be heard: landmarks, headings, and a name for whatever needs one', async () => {
    await openAll(page)
    const tree = await accessibilityTree(page)
    expect(accessibilityFaults(tree)).toEqual([])
    expect(tree.filter(({ role }) => role === 'table').length).toBeGreaterThan(1)
    expect(tree.filter(({ role }) => role === 'image' || role === 'img').length).toBeGreaterThan(1)
  })

  test('can be used with the keyboard', async () => {
    const first = page.locator('summary').first()
    await first.focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('details').first().getAttribute('open')).toBe('')
    const outline = await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)
    expect(outline).toBe('solid')
  })

  test('prints on white', async () => {
    await page.emulateMedia({ media: 'print', colorScheme: 'light' })
    expect((await appearance(page)).background).toBe('rgb(255, 255, 255)')
  })
})

describe('the check of what is heard', () => {
  const heard = async (body: string): Promise<readonly string[]> => {
    const page = await browser.newPage()
    try {
      await page.setContent(
        `<!doctype html><html lang="en"><title>t</title><body><header><h1>t</h1></header><main>${body}</main><footer>f</footer></body></html>`,
      )
      return accessibilityFaults(await accessibilityTree(page))
    } finally {
      await page.close()
    }
  }

  test.each([
    ['nothing', '<h2>a</h2>', []],
    [
      'a picture without a name',
      '<svg role="img" width="9" height="9"><rect width="9" height="9"/></svg>',
      ['a image has no name'],
    ],
    [
      'a table without a name',
      '<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>',
      ['a table has no name'],
    ],
    ['a button without a name', '<button></button>', ['a button has no name']],
    ['a heading that skips a level', '<h3>a</h3>', ['a heading of level 3 skips one']],
    ['two first headings', '<h1>a</h1>', ['not one first heading']],
  ])('finds %s', async (_name, body, expected) => {
    expect(await heard(body)).toEqual(expected)
  })
})
