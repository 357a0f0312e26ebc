import { readdirSync, readFileSync } from 'node:fs'

/** Seconds of CPU that a process and its children have used, as the kernel counts them. */
export type CpuUse = {
  readonly seconds: number
  /** Of the one thread that used most. */
  readonly busiestThreadSeconds: number
}

const TICKS_PER_SECOND = 100

/** The process and what it started; Linux only. */
export const familyOf = (pid: number): readonly number[] => [pid, ...childrenOf(pid)]

const childrenOf = (parent: number): readonly number[] =>
  numbersIn('/proc').filter((pid) => fieldsOf(`/proc/${pid}/stat`)[1] === String(parent))

export const cpuUse = (pids: readonly number[]): CpuUse => ({
  seconds: pids.reduce((sum, pid) => sum + secondsOf(`/proc/${pid}/stat`), 0),
  busiestThreadSeconds: Math.max(
    ...pids.flatMap((pid) =>
      numbersIn(`/proc/${pid}/task`).map((id) => secondsOf(`/proc/${pid}/task/${id}/stat`)),
    ),
  ),
})

const secondsOf = (file: string): number => {
  const fields = fieldsOf(file)
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** What follows the name, which may hold spaces: state, parent, …, time in user mode, in the kernel. */
const fieldsOf = (file: string): readonly string[] => {
  try {
    const text = readFileSync(file, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

const numbersIn = (folder: string): readonly number[] =>
  readdirSync(folder).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))

/** CPU that a process has used so far, in all its threads, in seconds. */
export const cpuSeconds = (pid: number): number => secondsOf(`/proc/${pid}/stat`)

/** Memory of a process that is in RAM, in bytes. */
export const residentBytes = (pid: number): number => {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
