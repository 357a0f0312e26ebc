/** What has to be known to put an application behind the gate, besides the headers of its preset. */
export type PresetGuide = {
  /** The application reads who it is; or this is a gate only, and it has its own sign-in or none. */
  readonly identity: 'headers' | 'assertion' | 'bearer' | 'gate_only'
  /** Paths that programs call, which cannot follow a redirect: they need a twin Ingress. */
  readonly machinePaths: readonly MachinePath[]
  /** It has bearer tokens of its own, so its policy says `credentials: [cookie]`. */
  readonly hasOwnTokens: boolean
  /**
   * What to set in the application, as lines to copy. `{host}` is the host of the Ingress,
   * `{publicUrl}` that of Vestibule.
   */
  readonly settings: readonly string[]
  /** What people get wrong. */
  readonly notes: readonly string[]
}

export type MachinePath = {
  readonly path: string
  readonly pathType: 'Prefix' | 'Exact'
  readonly callers: string
  /**
   * `vestibule`: the twin asks Vestibule, which takes bearer tokens of `tokenIssuers` and answers
   * 401. `application`: the callers have credentials that only the application can check, so the
   * twin has no auth-url; its notes say what that means.
   */
  readonly checkedBy: 'vestibule' | 'application'
}

/** With `checkedBy: application` on the same path as people use, the gate is open there. */
export const forPrograms = (
  path: string,
  callers: string,
  checkedBy: MachinePath['checkedBy'],
  pathType: MachinePath['pathType'] = 'Prefix',
): MachinePath => ({ path, pathType, callers, checkedBy })
