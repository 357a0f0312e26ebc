/** 0 fine, 1 findings, 2 could not run. */
export type ExitCode = 0 | 1 | 2

export type Environment = Readonly<Record<string, string | undefined>>

/** One command of the CLI. */
export type Command = {
  /** As typed, such as `keys generate`. */
  readonly name: string
  readonly summary: string
  readonly help: string
  readonly run: (args: readonly string[], environment: Environment) => Promise<ExitCode>
}
