/**
 * What a CEL expression may look at, such as `request.path` or `principal.claims`; a whole map
 * where it is not named with a member. Words in its texts count too: too much rather than too
 * little.
 */
export const factsNamed = (source: string): readonly string[] =>
  [
    ...source.matchAll(/\b(request|principal|session|device|now)\b(?:\s*\.\s*([A-Za-z_]\w*))?/g),
  ].map(([, map = '', member]) => (member === undefined ? map : `${map}.${member}`))
