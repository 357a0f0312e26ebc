import { complain } from './terminal.ts'

export type Progress = {
  readonly at: (count: number) => void
  readonly end: () => void
}

const TERMINAL_MS = 200
const LOG_MS = 5000

/** Tells on standard error how far a long run is: often on a terminal, now and then elsewhere. */
export const createProgress = (what: string): Progress => {
  const isTerminal = process.stderr.isTTY
  const everyMs = isTerminal ? TERMINAL_MS : LOG_MS
  const begin = performance.now()
  let last = begin
  let isShown = false
  return {
    at: (count) => {
      const now = performance.now()
      if (now - last < everyMs) return
      last = now
      const text = `${count.toLocaleString('en')} ${what}, ${Math.round((now - begin) / 1000)} s`
      if (!isTerminal) complain(text)
      else process.stderr.write(`\r${text}`)
      isShown = isTerminal
    },
    end: () => {
      if (isShown) process.stderr.write('\r\x1b[K')
    },
  }
}
