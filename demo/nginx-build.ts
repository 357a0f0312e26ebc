import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findCommand, findNginxModule } from './command-path.ts'

/** What the nginx on this machine can do, and how it must be told. */
export type NginxBuild = {
  readonly command: string
  readonly version: string
  /** Modules for `set_escape_uri`, in the order of loading; none where they are not installed. */
  readonly escapeModules: readonly string[]
  /** Since 1.25.1 `http2 on` is a directive of its own. */
  readonly hasHttp2Directive: boolean
  /** As root, nginx needs an unprivileged user for its workers. */
  readonly workerUser: string | undefined
}

const escapeModules = (): readonly string[] => {
  // ndk first: set-misc is built upon it.
  const paths = ['ndk_http_module.so', 'ngx_http_set_misc_module.so'].map(findNginxModule)
  return paths.every((path) => path !== undefined) ? paths : []
}

const workerUser = (): string | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const groups = readFileSync('/etc/group', 'utf8')
  return /^nogroup:/m.test(groups) ? 'nobody nogroup' : 'nobody'
}

const isAtLeast = (version: string, wanted: readonly [number, number, number]): boolean => {
  const parts = version.split('.').map(Number)
  const index = wanted.findIndex((value, at) => value !== parts[at])
  return index === -1 || (parts[index] ?? 0) > (wanted[index] ?? 0)
}

export const inspectNginx = (): NginxBuild => {
  const command = findCommand('nginx')
  if (command === undefined) throw new Error('nginx is not installed: npm run pretest installs it')
  // nginx prints its version on stderr.
  const { stderr } = spawnSync(command, ['-v'], { encoding: 'utf8' })
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1] ?? '0.0.0'
  return {
    command,
    version,
    escapeModules: escapeModules(),
    hasHttp2Directive: isAtLeast(version, [1, 25, 1]),
    workerUser: workerUser(),
  }
}
