import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { type PolicySet } from '../../core/policy/policy.ts'
import { ok } from '../../core/result.ts'
import { loadPolicies, versionOfFolder } from './policy-folder.ts'

export type PolicyWatchOptions = {
  readonly folder: string
  readonly initial: PolicySet
  readonly onLoaded: (policies: PolicySet) => void
  /** Called once for each state of the folder that cannot be taken over. */
  readonly onRefused: (faults: readonly Fault[]) => void
  /** How often the folder is looked at, whether or not the system reports a change. */
  readonly intervalMs?: number
}

export type PolicyWatch = {
  /** The policies in force: always a whole set that loaded without a fault. */
  readonly current: () => PolicySet
  readonly close: () => void
}

/**
 * How long a folder has to rest before it is read: a file that is being written may be whole YAML
 * up to some line, with the denies still to come.
 */
const REST_MS = 150

/**
 * Takes over changed policies as one object, and keeps the last good set. Looks at what the names
 * lead to, so that Kubernetes' swap of the `..data` link is seen as well as an edited file.
 */
export const watchPolicies = (options: PolicyWatchOptions): PolicyWatch => {
  const { folder, onLoaded, onRefused, intervalMs = 1000 } = options
  let policies = options.initial
  let settled = ''
  let seen = ''
  let seenAt = 0
  let isBusy = false

  const load = async (signature: string): Promise<void> => {
    // As it is after a start, and where files were only touched: understanding them takes far longer.
    const isSame = (await versionOfFolder(folder)) === policies.version
    const loaded = isSame ? ok(policies) : await loadPolicies(folder)
    // Changed while it was read: what was read may be a mixture.
    if ((await signatureOf(folder)) !== signature) return
    settled = signature
    if (!loaded.ok) onRefused(loaded.failure)
    else if (loaded.value.version !== policies.version) {
      policies = loaded.value
      onLoaded(policies)
    }
  }
  const look = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      const signature = await signatureOf(folder)
      if (signature === settled) return
      if (signature !== seen) {
        seen = signature
        seenAt = performance.now()
      }
      const rested = performance.now() - seenAt
      if (rested >= REST_MS) await load(signature)
      else setTimeout(() => void look(), REST_MS - rested).unref()
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(() => void look(), intervalMs).unref()
  const watcher = watchQuietly(folder, () => void look())
  void look()
  return {
    current: () => policies,
    close: () => {
      clearInterval(timer)
      watcher?.close()
    },
  }
}

/** Looked at together: more of them would keep requests waiting for the answers. */
const AT_ONCE = 16

/** Names with what identifies the content behind them; a file that vanished counts as absent. */
const signatureOf = async (folder: string): Promise<string> => {
  try {
    const names = (await readdir(folder)).toSorted()
    const parts: (readonly (string | number)[])[] = []
    while (parts.length < names.length) {
      const next = names.slice(parts.length, parts.length + AT_ONCE)
      parts.push(...(await Promise.all(next.map((name) => partOf(folder, name)))))
    }
    return JSON.stringify(parts)
  } catch {
    return 'unreadable'
  }
}

const partOf = async (folder: string, name: string): Promise<readonly (string | number)[]> => {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(join(folder, name))
    return [name, ino, size, mtimeMs, ctimeMs]
  } catch {
    return [name]
  }
}

/** Being told of changes is a convenience; where the system has no watches left, looking does. */
const watchQuietly = (folder: string, onChange: () => void): FSWatcher | undefined => {
  try {
    return watch(folder, { persistent: false }, onChange).on('error', () => undefined)
  } catch {
    return undefined
  }
}
