import { type Element, parseHtml } from './html-elements.ts'

/**
 * What is wrong with a page, by the rules of the HTML standard that our reports use. Stricter than
 * the standard: every element is closed, every value quoted, and what is not listed is refused.
 */
export const htmlFaults = (page: string): readonly string[] => {
  const { elements, faults } = parseHtml(page)
  return [
    ...faults,
    ...elements.flatMap(elementFaults),
    ...idFaults(elements),
    ...headingFaults(elements),
    ...frameFaults(page, elements),
  ]
}

/** How many elements the page has as it is written, to compare with what a browser makes of it. */
export const countElements = (page: string): number => parseHtml(page).elements.length

const words = (text: string): readonly string[] => text.split(' ')

const PHRASING = words('span strong small code br wbr a svg')
const FLOW = [
  ...PHRASING,
  ...words('p h1 h2 h3 h4 ul ol dl pre table figure div section details nav hr'),
]
const SHAPES = words('rect circle path line text g')

type Content = readonly [name: string, content: readonly string[]]

const holding = (names: string, content: readonly string[]): readonly Content[] =>
  words(names).map((name) => [name, content])

/** What may stand in what; elements that are not listed are not used by our pages. */
const CONTENT: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['html', ['head', 'body']],
  ['head', ['meta', 'title', 'style']],
  ['title', []],
  ['style', []],
  ['body', ['header', 'main', 'footer']],
  ...holding('header main footer section div nav li dd td figcaption', FLOW),
  ['figure', [...FLOW, 'figcaption']],
  ['details', [...FLOW, 'summary']],
  ['caption', FLOW.filter((name) => name !== 'table')],
  ['th', FLOW.filter((name) => !/^(?:h\d|section|nav)$/.test(name))],
  ['dt', FLOW.filter((name) => !/^(?:h\d|section|nav)$/.test(name))],
  ['summary', [...PHRASING, 'h2', 'h3', 'h4']],
  ...holding('p h1 h2 h3 h4 span strong small code a pre', PHRASING),
  ['ul', ['li']],
  ['ol', ['li']],
  ['dl', ['dt', 'dd', 'div']],
  ['table', ['caption', 'thead', 'tbody']],
  ['thead', ['tr']],
  ['tbody', ['tr']],
  ['tr', ['th', 'td']],
  ['svg', [...SHAPES, 'title']],
  ['g', SHAPES],
  ...holding('meta br wbr hr rect circle path line text', []),
])

const NO_TEXT = new Set(words('html head body ul ol dl table thead tbody tr svg g'))

const GLOBAL = /^(?:class|id|role|tabindex|lang|aria-[a-z]+)$/
const SHAPE = 'x y x1 x2 y1 y2 width height rx cx cy r d transform fill stroke'
const DASHES = 'pathLength stroke-dasharray stroke-dashoffset stroke-width'
const OWN: ReadonlyMap<string, string> = new Map([
  ['meta', 'charset name content http-equiv'],
  ['th', 'scope colspan rowspan'],
  ['td', 'colspan rowspan'],
  ['a', 'href'],
  ['details', 'open name'],
  ['svg', 'viewBox preserveAspectRatio width height'],
  ...['rect', 'circle', 'path', 'line', 'text', 'g'].map((name): [string, string] => [
    name,
    `${SHAPE} ${DASHES} text-anchor`,
  ]),
])

const elementFaults = (element: Element): readonly string[] => {
  const { name, attributes, parent, line } = element
  const at = `line ${line}: <${name}>`
  const content = CONTENT.get(name)
  if (content === undefined) return [`${at} is not known`]
  const isAllowed =
    parent === undefined ? name === 'html' : CONTENT.get(parent.name)?.includes(name)
  const own = (OWN.get(name) ?? '').split(' ')
  return [
    ...(isAllowed === true ? [] : [`${at} may not stand in <${parent?.name ?? 'nothing'}>`]),
    ...[...attributes.keys()]
      .filter((each) => !GLOBAL.test(each) && !own.includes(each))
      .map((each) => `${at} has no attribute ${each}`),
    ...orderFaults(element).map((fault) => `${at} ${fault}`),
    ...nameFaults(element).map((fault) => `${at} ${fault}`),
  ]
}

/** The names of the children, each with a blank behind it, by the name of the element. */
const ORDERS: ReadonlyMap<string, readonly [order: RegExp, fault: string]> = new Map([
  ['details', [/^summary (?!.*summary )/, 'does not begin with its one summary']],
  [
    'figure',
    [/^figcaption (?!.*figcaption )|^(?!.*figcaption )/, 'does not begin with its caption'],
  ],
  ['table', [/^caption thead tbody $/, 'is no caption, head and body']],
  ['dl', [/^(?:(?:dt )+(?:dd )+)*$/, 'has terms without descriptions']],
  ['head', [/^meta /, 'does not begin with its charset']],
])

const orderFaults = ({ name, children }: Element): readonly string[] => {
  const [order, fault] = ORDERS.get(name) ?? [/^/, '']
  return order.test(children.map((child) => `${child.name} `).join('')) ? [] : [fault]
}

const NEVER_EMPTY = /^(?:h\d|summary|caption|title|th|li|dt)$/

/** What has to have a name for those who do not see it. */
const nameFaults = ({ name, attributes, text, children }: Element): readonly string[] => {
  const has = (attribute: string): boolean => (attributes.get(attribute) ?? '').trim() !== ''
  const isPicture = name === 'svg' && attributes.get('aria-hidden') !== 'true'
  const isNamedPicture = attributes.get('role') === 'img' && has('aria-label')
  const isEmpty = text.trim() === '' && children.length === 0
  const faults: readonly (readonly [boolean, string])[] = [
    [isPicture && !isNamedPicture, 'is a picture without role and name'],
    [name === 'th' && !has('scope'), 'has no scope'],
    [attributes.get('role') === 'region' && !has('aria-label'), 'is a region without a name'],
    [isEmpty && NEVER_EMPTY.test(name), 'is empty'],
    [text.trim() !== '' && NO_TEXT.has(name), 'holds text of its own'],
  ]
  return faults.filter(([isThere]) => isThere).map(([, fault]) => fault)
}

const idFaults = (elements: readonly Element[]): readonly string[] => {
  const ids = elements.flatMap(({ attributes }) => attributes.get('id') ?? [])
  const targets = elements.flatMap(({ attributes }) => {
    const href = attributes.get('href')
    return [
      ...(attributes.get('aria-labelledby')?.split(' ') ?? []),
      ...(href?.startsWith('#') === true ? [href.slice(1)] : []),
    ]
  })
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `id ${id} twice`),
    ...targets.filter((id) => !ids.includes(id)).map((id) => `nothing has the id ${id}`),
  ]
}

const headingFaults = (elements: readonly Element[]): readonly string[] => {
  const levels = elements
    .filter(({ name }) => /^h\d$/.test(name))
    .map(({ name, line }) => ({ level: Number(name.slice(1)), line }))
  return levels.flatMap(({ level, line }, index) => {
    const before = levels[index - 1]?.level ?? 0
    if (level > before + 1) return [`line ${line}: h${level} follows h${before}`]
    return level === 1 && index > 0 ? [`line ${line}: a second h1`] : []
  })
}

const frameFaults = (page: string, elements: readonly Element[]): readonly string[] => {
  const [html] = elements
  const loads = /\b(?:src|srcset|href)="(?!#)|url\(|@import|<script|\son[a-z]+="|\sstyle="/i.exec(
    page,
  )
  return [
    ...(page.startsWith('<!doctype html>\n') ? [] : ['does not begin with its doctype']),
    ...(html?.attributes.get('lang') === 'en' ? [] : ['has no language']),
    ...(loads === null ? [] : [`is not self-contained: ${loads[0]}`]),
    ...['title', 'main', 'h1'].filter(
      (name) => elements.filter((element) => element.name === name).length !== 1,
    ),
  ]
}
