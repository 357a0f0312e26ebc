import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { cookieCredential } from '../../src/core/credential.ts'
import { cookieStripper } from '../../src/core/passing-credentials.ts'

const NAME = '__Secure-vestibule'
const strip = cookieStripper(NAME)
const OURS = `${NAME}=secret`

describe('the Cookie header of an application', () => {
  test.each([
    ['ours alone', [OURS], ''],
    ['ours first', [`${OURS}; a=1; b=2`], 'a=1; b=2'],
    ['ours between', [`a=1; ${OURS}; b=2`], 'a=1; b=2'],
    ['ours last', [`a=1; b=2; ${OURS}`], 'a=1; b=2'],
    ['none of ours', ['b=2; a=1; b=3'], 'b=2; a=1; b=3'],
    ['ours twice', [`${OURS}; a=1; ${NAME}=other`], 'a=1'],
    ['no blanks', [`a=1;${OURS};b=2`], 'a=1; b=2'],
    ['many blanks', [`a=1 ;  \t${NAME} = secret ;  b= 2`], 'a=1 ; b= 2'],
    ['several lines', ['a=1', OURS, `b=2; ${OURS}`], 'a=1; b=2'],
    ['ours without a value', [`${NAME}; a=1`], 'a=1'],
    ['ours empty', [`${NAME}=; a=1`], 'a=1'],
    ['a name that begins alike', [`${NAME}2=x; x${NAME}=y`], `${NAME}2=x; x${NAME}=y`],
    ['a no-break space before ours', [`a=1; \u00a0${OURS}`], 'a=1'],
    ['an invisible letter after ours', [`a=1; ${NAME}\u00e2\u0080\u008b=secret`], 'a=1'],
    ['ours as a cookie without a name', [`=${OURS}; a=1`], 'a=1'],
    ['ours behind a comma', [`a=1, ${OURS}; b=2`], 'b=2'],
    ['a name that ends alike', [`my-${NAME}=x; ${NAME}-2=y`], `my-${NAME}=x; ${NAME}-2=y`],
    ['ours as a value', [`a=${NAME}`], `a=${NAME}`],
    ['values with = and quotes', ['a="x=y"; b==; c'], 'a="x=y"; b==; c'],
    ['empty pairs', [';; ;a=1;;'], 'a=1'],
    ['nothing', [''], ''],
  ])('with %s', (_what, lines, expected) => {
    expect(strip(lines)).toBe(expected)
  })

  test('takes no longer per byte for a megabyte of its name than for a kilobyte', () => {
    // With a pattern that goes back and forth this would take minutes, and the test time out.
    const many = `${NAME} `.repeat(100_000)
    expect(strip([many])).toBe(many)
    expect(strip([`${many}=x; a=1`])).toBe('a=1')
  })

  test('holds no session id whatever was sent, and all other cookies in their order', () => {
    const pair = fc.oneof(
      fc.constantFrom(OURS, ` ${NAME}\t=x`, NAME, `\t${NAME}=`),
      fc
        .tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.stringMatching(/^[ -:<-~]{0,8}$/))
        .map(([name, value]) => `${name}=${value}`),
    )
    const lines = fc.array(
      fc.array(pair, { maxLength: 6 }).map((pairs) => pairs.join('; ')),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(lines, (sent) => {
        const passed = strip(sent)
        expect(cookieCredential([passed], NAME).kind).toBe('none')
        const others = sent
          .flatMap((line) => line.split(';'))
          .map((each) => each.trim())
          .filter((each) => each !== '' && !each.startsWith(NAME))
        expect(
          passed
            .split(';')
            .map((each) => each.trim())
            .filter((each) => each !== ''),
        ).toEqual(others)
      }),
      { seed: 5, numRuns: 1000 },
    )
  })
})
