import { type Plan } from './plan.ts'
import { type LeftOut } from './verification.ts'

/** The checks that a plan leaves out. */
export const leftOutOf = (plan: Plan, withLog: boolean): readonly LeftOut[] =>
  plan.hosts.flatMap(({ host, identity, direct }) =>
    [
      [identity !== undefined, 'which identity headers reach the application (identity)'],
      [direct.length > 0, 'ways around the ingress (direct)'],
      [withLog, 'what the decision log says (--no-log)'],
    ].flatMap(([isThere, what]) => (isThere === true ? [] : [{ host, what: String(what) }])),
  )
