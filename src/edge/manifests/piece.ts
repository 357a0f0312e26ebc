/** A part of a file that holds one object: a document, or one item of a list. */
export type Piece = {
  readonly text: string
  /** The line of the file on which the text starts. */
  readonly line: number
  /** `items[3]` in a list, else empty. */
  readonly path: string
  readonly format: 'yaml' | 'json'
  /** What is wrong with it before anybody parses it. */
  readonly trouble: 'too_large' | 'too_deep' | 'truncated' | undefined
  /** Items that were taken out of it, where it is what is left of a list. */
  readonly itemsTaken: number
}

/** Cuts a text that arrives in parts into pieces, and holds no more than one of them. */
export type Splitter = {
  readonly push: (text: string) => readonly Piece[]
  readonly end: () => readonly Piece[]
}

/** Kubernetes takes no object above 3 MiB (etcd: 1.5 MiB); written as YAML it is somewhat longer. */
export const LARGEST_OBJECT = 8 * 1024 * 1024

export const DEEPEST = 100
