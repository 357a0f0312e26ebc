import { type NamelessTraffic } from './traffic.ts'

/** Why a caller without a name is taken for a program. */
export const SIGNS = {
  foreign_token: 'sends a bearer token that Vestibule does not know',
  writes: 'changes things without a session',
  few_paths: 'asks for the same few paths on several days, and nobody signs in from there',
  same_time: 'asks at the same time of the day, day after day',
} as const

export type Sign = keyof typeof SIGNS

const FEW_PATHS = 3
const SEVERAL_DAYS = 2
const DAY_AFTER_DAY = 3
const SAME_TIME_MINUTES = 10

/**
 * The log has no user agent, so this is a guess from habits; a person who is only observed is not
 * sent to sign in, and leaves lines like a program's.
 */
export const signsOfMachine = (
  caller: NamelessTraffic,
  signsIn: (address: string) => boolean,
): readonly Sign[] => {
  const asked = [...caller.asked.values()]
  const signs: readonly (readonly [Sign, boolean])[] = [
    ['foreign_token', caller.foreignTokens > 0],
    ['writes', caller.writes > 0],
    [
      'few_paths',
      caller.days >= SEVERAL_DAYS &&
        asked.length <= FEW_PATHS &&
        !caller.asksForMore &&
        !signsIn(caller.address),
    ],
    [
      'same_time',
      asked.some(
        ({ days, earliest, latest }) =>
          days >= DAY_AFTER_DAY && latest - earliest <= SAME_TIME_MINUTES,
      ),
    ],
  ]
  return signs.filter(([, isThere]) => isThere).map(([sign]) => sign)
}
