/** Markup that may stand in a page as it is. */
export type Html = { readonly markup: string }

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (each) => ESCAPES[each] ?? '')

/** A template whose values are escaped, unless they are markup themselves. */
export const html = (
  literals: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html => ({
  markup: literals.reduce((page, literal, index) => {
    const value = values[index - 1] ?? ''
    return `${page}${markupOf(value)}${literal}`
  }),
})

const markupOf = (value: string | Html | readonly Html[]): string => {
  if (typeof value === 'string') return escape(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}
