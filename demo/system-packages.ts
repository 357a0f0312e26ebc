import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CHROMIUM_NAMES, findCommand, findNginxModule } from './command-path.ts'
import { withoutServiceStart } from './policy-rc.ts'

type SystemCommand = {
  readonly why: string
  readonly debian: readonly string[]
  readonly homebrew: string
  /** Other names under which the same program is found. */
  readonly aliases?: readonly string[]
  readonly nginxModules?: readonly string[]
}

const COMMANDS: ReadonlyMap<string, SystemCommand> = new Map([
  [
    'nginx',
    {
      why: 'the proxy that asks Vestibule; set-misc gives it the escaped return URL',
      debian: ['nginx', 'libnginx-mod-http-ndk', 'libnginx-mod-http-set-misc'],
      homebrew: 'brew install nginx',
      nginxModules: ['ndk_http_module.so', 'ngx_http_set_misc_module.so'],
    },
  ],
  [
    'redis-server',
    {
      why: 'the shared session store',
      debian: ['redis-server'],
      homebrew: 'brew install redis',
    },
  ],
  [
    'chromium',
    {
      why: 'the browser that the sign-in tests drive',
      debian: ['chromium'],
      homebrew: 'brew install --cask chromium',
      aliases: CHROMIUM_NAMES,
    },
  ],
  [
    'openssl',
    {
      why: 'makes the certificates of the https tests',
      debian: ['openssl'],
      homebrew: 'brew install openssl',
    },
  ],
  [
    'wrk',
    {
      why: 'the load generator of the benchmarks',
      debian: ['wrk'],
      homebrew: 'brew install wrk',
    },
  ],
  [
    'kubectl',
    {
      why: 'renders the manifests in k8s/ for the tests; it talks to no cluster',
      debian: ['kubernetes-client'],
      homebrew: 'brew install kubernetes-cli',
    },
  ],
])

export type Setup =
  | { readonly kind: 'ready'; readonly installed: readonly string[] }
  | { readonly kind: 'missing'; readonly commands: readonly string[] }

type Say = (line: string) => void

const toStderr: Say = (line) => {
  process.stderr.write(`${line}\n`)
}

/** Homebrew's and other builds of nginx have no such modules; the configuration then does without. */
const lacksModules = ({ nginxModules = [] }: SystemCommand): boolean =>
  findCommand('apt-get') !== undefined &&
  nginxModules.some((file) => findNginxModule(file) === undefined)

const isMissing = (name: string): boolean => {
  const command = COMMANDS.get(name)
  if (command === undefined) {
    throw new Error(`unknown command ${name}; known are ${[...COMMANDS.keys()].join(', ')}`)
  }
  const found = [name, ...(command.aliases ?? [])].some(
    (candidate) => findCommand(candidate) !== undefined,
  )
  return !found || lacksModules(command)
}

const packagesOf = (names: readonly string[]): readonly string[] =>
  names.flatMap((name) => COMMANDS.get(name)?.debian ?? [])

type Run = { readonly ok: boolean; readonly interrupted: boolean; readonly output: string }

const run = (command: string, args: readonly string[]): Run => {
  const ended = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' },
  })
  return {
    ok: ended.status === 0,
    interrupted: ended.signal !== null || ended.status === 130,
    output: `${ended.stdout}${ended.stderr}`.trimEnd(),
  }
}

/** Waits for another apt run instead of failing at its lock. */
const aptGet = (...args: readonly string[]) =>
  run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args])

const isKnownToApt = (name: string): boolean =>
  run('apt-cache', ['show', '--no-all-versions', name]).ok

const install = (packages: readonly string[], say: Say): void => {
  const installPackages = () => aptGet('install', '-y', '--no-install-recommends', ...packages)
  const update = (): void => {
    say('  apt-get update (the lists of packages are missing or old)')
    aptGet('update')
  }
  const stale = !packages.every(isKnownToApt)
  if (stale) update()
  say(`  apt-get install --no-install-recommends ${packages.join(' ')}  (no service is started)`)
  let result = withoutServiceStart(installPackages)
  if (!result.ok && !result.interrupted && !stale) {
    update()
    result = withoutServiceStart(installPackages)
  }
  if (!result.ok) say(result.output.split('\n').slice(-15).join('\n'))
}

const describe = (names: readonly string[], say: Say): void => {
  for (const name of names) {
    const { debian, why } = COMMANDS.get(name)!
    say(`  ${name.padEnd(13)} ${why}  [${debian.join(' ')}]`)
  }
}

const SELF = fileURLToPath(import.meta.url)

const adviseByHand = (names: readonly string[], say: Say): void => {
  if (process.platform === 'darwin') {
    say('Please run:')
    for (const name of names) say(`  ${COMMANDS.get(name)!.homebrew}`)
  } else if (findCommand('apt-get') === undefined) {
    say(`This system has no apt-get. Please install with its own tools: ${names.join(' ')}`)
  } else {
    const packages = packagesOf(names).join(' ')
    say('This needs root. Please run (it starts no service):')
    say(`  sudo '${process.execPath}' '${SELF}' ${names.join(' ')}`)
    say('or, if the packages may start their services:')
    say(`  sudo apt-get update && sudo apt-get install --no-install-recommends ${packages}`)
  }
}

type Right = 'root' | 'sudo' | 'none'

const rightToInstall = (): Right => {
  if (process.platform !== 'linux' || findCommand('apt-get') === undefined) return 'none'
  if (process.getuid?.() === 0) return 'root'
  return findCommand('sudo') !== undefined && run('sudo', ['-n', 'true']).ok ? 'sudo' : 'none'
}

/** Installs what is missing from the system's packages, and says what it installs and why. */
export const ensureCommands = (names: readonly string[], say: Say = toStderr): Setup => {
  const missing = names.filter(isMissing)
  if (missing.length === 0) return { kind: 'ready', installed: [] }
  say('Missing on this machine:')
  describe(missing, say)
  const right = rightToInstall()
  if (right === 'root') {
    install(packagesOf(missing), say)
  } else if (right === 'sudo') {
    say('  installing with sudo')
    spawnSync('sudo', ['-n', process.execPath, SELF, ...missing], { stdio: 'inherit' })
  }
  const still = missing.filter(isMissing)
  if (still.length === 0) {
    say(`Installed: ${missing.join(', ')}`)
    return { kind: 'ready', installed: missing }
  }
  adviseByHand(still, say)
  return { kind: 'missing', commands: still }
}

if (import.meta.main) {
  try {
    const setup = ensureCommands(process.argv.slice(2))
    if (setup.kind === 'missing') process.exitCode = 2
  } catch (error) {
    toStderr(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}
