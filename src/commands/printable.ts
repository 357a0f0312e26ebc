/** Names and paths are somebody else's text, which a terminal must not obey. */
export const printable = (text: string): string => text.replace(/\p{Cc}|[\u2028\u2029]/gu, '?')
