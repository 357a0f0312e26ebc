/** What nginx takes for one word: quoted or bare; a `#` within one begins no comment. */
const TOKEN =
  /#[^\n]*|[;{}]|"(?:\\[\s\S]|[^"\\])*"?|'(?:\\[\s\S]|[^'\\])*'?|(?:\\[\s\S]|[^\s;{}])+/g

export type Directive = { readonly name: string; readonly values: readonly string[] }

/** The directives of a piece of nginx configuration, those within blocks too, in their order. */
export const directivesOf = (snippet: string): readonly Directive[] => {
  const found: Directive[] = []
  let words: string[] = []
  const end = (): void => {
    const [name, ...values] = words
    if (name !== undefined) found.push({ name, values })
    words = []
  }
  for (const [token] of snippet.matchAll(TOKEN)) {
    if (token.startsWith('#')) continue
    if (token === ';' || token === '{' || token === '}') end()
    else words.push(bare(token))
  }
  end()
  return found
}

/** Names may stand in quotes as well as values. */
const bare = (token: string): string => token.replace(/^(["'])([\s\S]*?)\1?$/, '$2').toLowerCase()
