import { stat } from 'node:fs/promises'

export type WatchedFile = { readonly close: () => void }

export type WatchedFileOptions = {
  readonly path: string
  /** Called once at the start, and when another content may stand there; what it throws is a bug. */
  readonly onChanged: () => Promise<void>
  /** How often it is looked at. */
  readonly intervalMs?: number
}

/**
 * Looks at a file now and then, and follows links, so that Kubernetes' swap of a mounted Secret is
 * seen as well as an edited file. Watching by the system misses the former.
 */
export const watchFile = ({
  path,
  onChanged,
  intervalMs = 1000,
}: WatchedFileOptions): WatchedFile => {
  let seen: string | undefined
  let isBusy = false
  const look = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      const signature = await signatureOf(path)
      if (signature === seen) return
      seen = signature
      await onChanged()
    } finally {
      isBusy = false
    }
  }
  void look()
  const timer = setInterval(() => void look(), intervalMs).unref()
  return { close: () => clearInterval(timer) }
}

const signatureOf = async (path: string): Promise<string> => {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return JSON.stringify([ino, size, mtimeMs, ctimeMs])
  } catch {
    return 'unreadable'
  }
}
