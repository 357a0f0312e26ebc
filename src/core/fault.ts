/** Something wrong in a file of the operator's: where it is, what it is, and what to do. */
export type Fault = {
  readonly file: string
  /** 1-based; undefined where the fault is the file itself, or a variable of the environment. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** The key's path, such as `session.idle`; empty for the whole file. */
  readonly key: string
  readonly problem: string
  readonly remedy: string
}

/**
 * `vestibule.yaml:3:5: session.idel: not a known key. Did you mean idle?` One line, whatever the
 * file holds: keys and names come from it, and a terminal obeys control characters.
 */
export const faultText = ({ file, line, column, key, problem, remedy }: Fault): string => {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  const text = `${place}: ${key === '' ? '' : `${key}: `}${problem}. ${remedy}`
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (each) => encodeURIComponent(each))
}
