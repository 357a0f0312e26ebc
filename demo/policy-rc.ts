import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Debian's packages ask this script before they start a service; 101 means "no". */
const DEBIAN_PATH = '/usr/sbin/policy-rc.d'
const MARK = '# temporary, by demo/system-packages.ts: packages install without starting services'

const isLeftover = (path: string): boolean => {
  try {
    return readFileSync(path, 'utf8').includes(MARK)
  } catch {
    return false
  }
}

/** True when the script is ours to remove; a script of the administrator's stays as it is. */
const place = (path: string): boolean => {
  try {
    writeFileSync(path, `#!/bin/sh\n${MARK}\nexit 101\n`, { flag: 'wx', mode: 0o755 })
    return true
  } catch {
    return isLeftover(path)
  }
}

/** With a listener, Ctrl-C does not end this process before the `finally` below. */
const ignoreSignal = (): void => {}

/** Runs `work` while packages may not start services, and lifts the ban whatever happens. */
export const withoutServiceStart = <T>(work: () => T, path = DEBIAN_PATH): T => {
  const ours = place(path)
  process.on('SIGINT', ignoreSignal).on('SIGTERM', ignoreSignal)
  try {
    return work()
  } finally {
    if (ours) rmSync(path, { force: true })
    process.off('SIGINT', ignoreSignal).off('SIGTERM', ignoreSignal)
  }
}
