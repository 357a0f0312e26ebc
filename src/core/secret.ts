/** A value that cannot be printed, logged or turned into JSON by accident. */
export type Secret = {
  readonly reveal: () => string
  readonly toString: () => string
  readonly toJSON: () => string
}

const redacted = (): string => '[secret]'

export const secret = (text: string): Secret => {
  const value = { reveal: (): string => text, toString: redacted, toJSON: redacted }
  return Object.assign(value, { [Symbol.for('nodejs.util.inspect.custom')]: redacted })
}
