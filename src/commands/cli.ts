import { check } from './check.ts'
import { type Command, type Environment, type ExitCode } from './command.ts'
import { drillRevoke } from './drill-revoke.ts'
import { keysGenerate, keysRotate } from './keys.ts'
import { migrateDrift } from './migrate-drift.ts'
import { migrateIngress } from './migrate-ingress.ts'
import { migrateInventory } from './migrate-inventory.ts'
import { migrateNetworkpolicy } from './migrate-networkpolicy.ts'
import { migrateOauth2Proxy } from './migrate-oauth2-proxy.ts'
import { migrateReport } from './migrate-report.ts'
import { migrateTranslate } from './migrate-translate.ts'
import { migrateVerify } from './migrate-verify.ts'
import { policyDiff } from './policy-diff.ts'
import { policyExplain } from './policy-explain.ts'
import { policyLint } from './policy-lint.ts'
import { policyMatrix } from './policy-matrix.ts'
import { policyReplay } from './policy-replay.ts'
import { policyTest } from './policy-test.ts'
import { serve } from './serve.ts'
import { sessionsList, sessionsRevoke, sessionsShow } from './sessions.ts'
import { complain, say } from './terminal.ts'
import { tokensCreate, tokensList, tokensRevoke, tokensRotate, tokensShow } from './tokens.ts'

const COMMANDS: readonly Command[] = [
  serve,
  check,
  keysGenerate,
  keysRotate,
  policyLint,
  policyTest,
  policyExplain,
  policyReplay,
  policyMatrix,
  policyDiff,
  sessionsList,
  sessionsShow,
  sessionsRevoke,
  tokensCreate,
  tokensList,
  tokensShow,
  tokensRotate,
  tokensRevoke,
  drillRevoke,
  migrateInventory,
  migrateTranslate,
  migrateIngress,
  migrateNetworkpolicy,
  migrateDrift,
  migrateVerify,
  migrateReport,
  migrateOauth2Proxy,
]

/** Finds the command in the arguments and runs it. */
export const runCli = async (
  args: readonly string[],
  environment: Environment,
): Promise<ExitCode> => {
  const command = COMMANDS.find(({ name }) => name === args.slice(0, wordsOf(name)).join(' '))
  if (command === undefined) return withoutCommand(args)
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

const withoutCommand = (args: readonly string[]): ExitCode => {
  const [first = 'help', second = 'help'] = args
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `))
  const asked = HELP.has(first) || (group.length > 0 && HELP.has(second))
  const print = asked ? say : complain
  if (!asked) print(`vestibule: ${args.join(' ')} is not a command.\n`)
  print('Usage: vestibule COMMAND [OPTIONS]\n')
  for (const { name, summary } of group.length > 0 ? group : COMMANDS) {
    print(`  ${name.padEnd(21)} ${summary}`)
  }
  print('\nvestibule COMMAND --help says more.')
  return asked ? 0 : 2
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
