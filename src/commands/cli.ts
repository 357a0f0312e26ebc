import { type Command, type Environment, type ExitCode } from './command.ts'
import { complain, say } from './terminal.ts'

/** Each is loaded when it is asked for: what the others need would only delay it. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check.ts')).check,
  'keys generate': async () => (await import('./keys.ts')).keysGenerate,
  'keys rotate': async () => (await import('./keys.ts')).keysRotate,
  'policy lint': async () => (await import('./policy-lint.ts')).policyLint,
  'policy test': async () => (await import('./policy-test.ts')).policyTest,
  'policy explain': async () => (await import('./policy-explain.ts')).policyExplain,
  'policy replay': async () => (await import('./policy-replay.ts')).policyReplay,
  'policy matrix': async () => (await import('./policy-matrix.ts')).policyMatrix,
  'policy diff': async () => (await import('./policy-diff.ts')).policyDiff,
  'sessions list': async () => (await import('./sessions.ts')).sessionsList,
  'sessions show': async () => (await import('./sessions.ts')).sessionsShow,
  'sessions revoke': async () => (await import('./sessions.ts')).sessionsRevoke,
  'tokens create': async () => (await import('./tokens.ts')).tokensCreate,
  'tokens list': async () => (await import('./tokens.ts')).tokensList,
  'tokens show': async () => (await import('./tokens.ts')).tokensShow,
  'tokens rotate': async () => (await import('./tokens.ts')).tokensRotate,
  'tokens revoke': async () => (await import('./tokens.ts')).tokensRevoke,
  'drill revoke': async () => (await import('./drill-revoke.ts')).drillRevoke,
  'migrate inventory': async () => (await import('./migrate-inventory.ts')).migrateInventory,
  'migrate translate': async () => (await import('./migrate-translate.ts')).migrateTranslate,
  'migrate ingress': async () => (await import('./migrate-ingress.ts')).migrateIngress,
  'migrate networkpolicy': async () =>
    (await import('./migrate-networkpolicy.ts')).migrateNetworkpolicy,
  'migrate drift': async () => (await import('./migrate-drift.ts')).migrateDrift,
  'migrate verify': async () => (await import('./migrate-verify.ts')).migrateVerify,
  'migrate report': async () => (await import('./migrate-report.ts')).migrateReport,
  'migrate oauth2-proxy': async () =>
    (await import('./migrate-oauth2-proxy.ts')).migrateOauth2Proxy,
}

const LOADERS = Object.entries(COMMANDS)

/** Finds the command in the arguments and runs it. */
export const runCli = async (
  args: readonly string[],
  environment: Environment,
): Promise<ExitCode> => {
  const found = LOADERS.find(([name]) => name === args.slice(0, wordsOf(name)).join(' '))
  const command = await found?.[1]()
  if (command === undefined) return await withoutCommand(args)
  const rest = args.slice(wordsOf(command.name))
  if (rest.includes('--help') || rest.includes('-h')) {
    say(`${command.help}\n`)
    return 0
  }
  try {
    return await command.run(rest, environment)
  } catch (error) {
    complain(`vestibule ${command.name}: ${messageOf(error)}`)
    complain(`See vestibule ${command.name} --help.`)
    return 2
  }
}

const HELP: ReadonlySet<string> = new Set(['help', '--help', '-h'])

const wordsOf = (name: string): number => name.split(' ').length

const withoutCommand = async (args: readonly string[]): Promise<ExitCode> => {
  const [first = 'help', second = 'help'] = args
  const group = LOADERS.filter(([name]) => name.startsWith(`${first} `))
  const asked = HELP.has(first) || (group.length > 0 && HELP.has(second))
  const print = asked ? say : complain
  if (!asked) print(`vestibule: ${args.join(' ')} is not a command.\n`)
  print('Usage: vestibule COMMAND [OPTIONS]\n')
  const listed = group.length > 0 ? group : LOADERS
  for (const { name, summary } of await Promise.all(listed.map(([, load]) => load()))) {
    print(`  ${name.padEnd(21)} ${summary}`)
  }
  print('\nvestibule COMMAND --help says more.')
  return asked ? 0 : 2
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
