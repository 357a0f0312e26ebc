export type Lines = readonly string[]

export const block = (header: string, body: Lines): Lines => [`${header} {`, ...body, '}']

export const when = (condition: boolean, lines: Lines): Lines => (condition ? lines : [])

/** Indents by braces; every line is one directive, one opening or one closing brace. */
export const writeLines = (lines: Lines): string => {
  let depth = 0
  return lines
    .map((line) => {
      if (line === '}') depth -= 1
      const indented = `${'  '.repeat(depth)}${line}\n`
      if (line.endsWith('{')) depth += 1
      return indented
    })
    .join('')
}

/** As the controller quotes: `$` stands for itself (`geo $literal_dollar` in the http block). */
export const quote = (text: string): string =>
  `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('$', '${literal_dollar}')}"`
