export type Release = readonly [major: number, minor: number, patch: number]

/** `v1.11.3`, `1.11.3-debian-12-r4` → [1, 11, 3] */
export const parseRelease = (text: string): Release | undefined => {
  const [, major, minor, patch] = /^v?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![.\d])/.exec(text) ?? []
  return patch === undefined ? undefined : [Number(major), Number(minor), Number(patch)]
}

export const releaseText = (release: Release): string => release.join('.')

const isBefore = (one: Release, other: Release): boolean => {
  const at = one.findIndex((number, index) => number !== other[index])
  return at !== -1 && (one[at] ?? 0) < (other[at] ?? 0)
}

export const isAtLeast = (one: Release, other: Release): boolean => !isBefore(one, other)

/** A hole in the controller that touches what guards an application. */
export type Hole = {
  readonly id: string
  readonly what: string
  /** The first release that had it; undefined for all. */
  readonly since?: Release
  /** The first release of each line that had it no more; later lines never had it. */
  readonly fixed: readonly Release[]
}

export const HOLES: readonly Hole[] = [
  {
    id: 'CVE-2021-25746',
    what: 'directives injected through annotations',
    fixed: [[1, 2, 0]],
  },
  {
    id: 'CVE-2023-5043',
    what: 'code run through configuration-snippet',
    fixed: [[1, 9, 0]],
  },
  {
    id: 'CVE-2025-1974',
    what: 'code run through the admission webhook, without signing in',
    fixed: [
      [1, 11, 5],
      [1, 12, 1],
    ],
  },
  {
    id: 'CVE-2025-24514',
    what: 'configuration injected through auth-url',
    fixed: [
      [1, 11, 5],
      [1, 12, 1],
    ],
  },
  {
    id: 'CVE-2025-1097',
    what: 'configuration injected through auth-tls-match-cn',
    fixed: [
      [1, 11, 5],
      [1, 12, 1],
    ],
  },
  {
    id: 'CVE-2025-1098',
    what: 'configuration injected through mirror annotations',
    fixed: [
      [1, 11, 5],
      [1, 12, 1],
    ],
  },
  {
    id: 'CVE-2025-15566',
    what: 'configuration injected through auth-proxy-set-headers',
    fixed: [
      [1, 12, 5],
      [1, 13, 1],
    ],
  },
  {
    id: 'CVE-2026-1580',
    what: 'configuration injected through auth-method',
    since: [1, 9, 0],
    fixed: [
      [1, 13, 7],
      [1, 14, 3],
    ],
  },
  {
    id: 'CVE-2026-24512',
    what: 'configuration injected through the path of a rule',
    fixed: [
      [1, 13, 7],
      [1, 14, 3],
    ],
  },
  {
    id: 'CVE-2026-24513',
    what: 'auth-url passed over through a custom error back end',
    fixed: [
      [1, 13, 7],
      [1, 14, 3],
    ],
  },
  {
    id: 'CVE-2026-3288',
    what: 'configuration injected through rewrite-target',
    fixed: [
      [1, 13, 8],
      [1, 14, 4],
      [1, 15, 0],
    ],
  },
  {
    id: 'CVE-2026-4342',
    what: 'configuration injected through comments',
    fixed: [
      [1, 13, 9],
      [1, 14, 5],
      [1, 15, 1],
    ],
  },
]

/** The last releases of the three lines that had one; after them the project ended. */
export const LAST_RELEASES: readonly Release[] = [
  [1, 13, 9],
  [1, 14, 5],
  [1, 15, 1],
]

const hasHole = (release: Release, { since, fixed }: Hole): boolean => {
  if (since !== undefined && isBefore(release, since)) return false
  const sameLine = fixed.find(([major, minor]) => major === release[0] && minor === release[1])
  if (sameLine !== undefined) return isBefore(release, sameLine)
  return fixed.some((each) => isBefore(release, each))
}

export const holesOf = (release: Release): readonly Hole[] =>
  HOLES.filter((hole) => hasHole(release, hole))

/** The highest patch of the same line, else the last release of all. */
export const bestRelease = ([major, minor]: Release): Release =>
  LAST_RELEASES.find((each) => each[0] === major && each[1] === minor) ?? [1, 15, 1]

/** `auth-keepalive` answers 500 or shifts identity headers since then, and was never mended. */
export const KEEPALIVE_BROKEN_SINCE: Release = [1, 13, 0]

/** The error back end of 401 and 403 can hide a refusal before these. */
export const CUSTOM_ERRORS_HOLE = 'CVE-2026-24513'
