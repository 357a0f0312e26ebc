import { type Page } from 'playwright-core'

export type Appearance = {
  readonly title: string
  readonly headings: readonly string[]
  readonly language: string
  readonly colorScheme: string
  /** Scripts, frames, and whatever else would be loaded. */
  readonly foreign: number
  readonly inlineHandlers: number
  /** How many pixels stick out at the side. */
  readonly overflow: number
  readonly background: string
  /** The lowest ratio of text to its ground (WCAG 2.2, 1.4.3 asks for 4.5). */
  readonly contrast: number
  /** Heights of what can be pressed (WCAG 2.2, 2.5.8 asks for 24). */
  readonly lowestTarget: number
}

const LOOK = `(() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = (element) => {
    const { backgroundColor } = getComputedStyle(element)
    const isClear = backgroundColor === 'transparent' || backgroundColor.endsWith(', 0)')
    return isClear && element.parentElement ? ground(element.parentElement) : backgroundColor
  }
  const ratio = (element) => {
    const [low, high] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const all = [...document.querySelectorAll('body, body *')]
  const texts = all.filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
  const targets = [...document.querySelectorAll('a, button')]
  return {
    title: document.title,
    headings: [...document.querySelectorAll('h1')].map((each) => each.textContent),
    language: document.documentElement.lang,
    colorScheme: getComputedStyle(document.documentElement).colorScheme,
    foreign: document.querySelectorAll('script, iframe, object, embed, img, link[href]').length,
    inlineHandlers: all.filter((element) => [...element.attributes].some(({ name }) => name.startsWith('on') || name === 'style')).length,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
    contrast: Math.min(...texts.map(ratio)),
    lowestTarget: Math.min(100, ...targets.map((each) => each.getBoundingClientRect().height)),
  }
})()`

/** How the page that is open looks now. */
export const appearance = async (page: Page): Promise<Appearance> =>
  await page.evaluate<Appearance>(LOOK)

export const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
] as const

export const SCHEMES = ['light', 'dark'] as const
