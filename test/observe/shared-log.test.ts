import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { shortLine } from '../../src/edge/observe/short-line.ts'

const WRITER = join(import.meta.dirname, 'support-log-writer.ts')
const NAMES = ['one', 'two', 'three']
const LINES_EACH = 600

/** Several processes on one pipe whose reader comes late and takes little at a time: it fills up amid a write. */
const writtenTogether = async (): Promise<readonly string[]> => {
  const writers = NAMES.map((name) => `"$NODE" "$WRITER" ${name} ${LINES_EACH} &`).join(' ')
  const shell = spawn('sh', ['-c', `(${writers} wait) | (sleep 1; dd bs=1000 status=none)`], {
    env: { PATH: process.env['PATH'], NODE: process.execPath, WRITER },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return (await text(shell.stdout)).split('\n').filter((line) => line !== '')
}

/** The same into a file that all of them name, which may be a pipe with a name. */
const writtenTo = async (makeIt: string): Promise<readonly string[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-log-'))
  const writers = NAMES.map(
    (name) => `"$NODE" "$WRITER" ${name} ${LINES_EACH} true "$FILE" >&2 &`,
  ).join(' ')
  const shell = spawn(
    'sh',
    ['-c', `${makeIt} (${writers} wait); exec 3>&-; wait; test -p "$FILE" || cat "$FILE"`],
    {
      env: {
        PATH: process.env['PATH'],
        NODE: process.execPath,
        WRITER,
        FILE: join(folder, 'decisions.log'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    return (await text(shell.stdout)).split('\n').filter((line) => line !== '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Line = {
  readonly decision: string
  readonly principal: { readonly subject: string; readonly groups?: unknown }
}

describe('the decision log of several processes', () => {
  test('has every line of each, whole and in its order, on one pipe', async () => {
    const lines = (await writtenTogether()).map((line) => JSON.parse(line) as Line)
    expect(lines).toHaveLength(NAMES.length * LINES_EACH)
    for (const name of NAMES) {
      const own = lines.filter(({ decision }) => decision.startsWith(`${name}-`))
      expect(own.map(({ decision }) => decision)).toEqual(
        Array.from({ length: LINES_EACH }, (_line, index) => `${name}-${index}`),
      )
    }
    // What is longer than a pipe takes as a whole is cut, and says so.
    const subjects = new Set(lines.map(({ principal }) => principal.subject.length > 1500))
    expect([...subjects]).toEqual([false])
  })
})

describe('the decision log of several processes, in a place with a name', () => {
  test.each([
    ['a file', ''],
    ['a pipe', 'mkfifo "$FILE"; (sleep 1; dd bs=1000 status=none) <"$FILE" & exec 3>"$FILE";'],
  ])('has every line of each, whole and in its order: %s', async (_place, makeIt) => {
    const lines = (await writtenTo(makeIt)).map((line) => JSON.parse(line) as Line)
    for (const name of NAMES) {
      const own = lines.filter(({ decision }) => decision.startsWith(`${name}-`))
      expect(own.map(({ decision }) => decision)).toEqual(
        Array.from({ length: LINES_EACH }, (_line, index) => `${name}-${index}`),
      )
    }
  })
})

describe('a decision line that is too long', () => {
  const long = 'x'.repeat(5000)
  const line = JSON.stringify({
    decision: 'd-1',
    path: `/${'\u0085'.repeat(2000)}`,
    would: { effect: 'deny', rule: long },
    rule: long,
    policyOwner: long,
    principal: {
      subject: long,
      issuer: long,
      email: '語'.repeat(900),
      groups: [long],
      groupsCut: 2,
    },
    latencyMs: 1,
  })

  test('keeps its fields, cut, and says how many groups are missing', () => {
    const short = shortLine(line, 4095)
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(4095)
    expect(short).not.toMatch(/[\u007f-\u009f]/)
    expect(JSON.parse(short)).toMatchObject({
      decision: 'd-1',
      path: expect.stringMatching(/^\/.*…$/),
      would: { effect: 'deny', rule: expect.stringMatching(/^x+…$/) },
      principal: { subject: expect.stringMatching(/^x+…$/), groups: [], groupsCut: 3 },
      latencyMs: 1,
    })
  })

  test('is as it was where it is short enough', () => {
    expect(shortLine('{"path":"/a","principal":{}}', 4095)).toBe('{"path":"/a","principal":{}}')
  })
})
