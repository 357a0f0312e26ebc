import { setTimeout as delay } from 'node:timers/promises'
import { guide } from './guide.ts'
import { decisionRow, noticeRow } from './log-rows.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { selfCheck } from './self-check.ts'
import { ensureCommands } from './system-packages.ts'
import { startWorld, type World, type WorldSettings } from './world.ts'

type Run = Extract<Options, { kind: 'run' }>

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const complain = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const GRACE = 250

const ANY_PORTS = { nginx: 0, identityProvider: 0, verify: 0, public: 0, ops: 0 }

const wantedPorts = ({ check, port, identityProviderPort }: Run): WorldSettings['ports'] => ({
  ...(check ? ANY_PORTS : {}),
  ...(port === undefined ? {} : { nginx: port }),
  ...(identityProviderPort === undefined ? {} : { identityProvider: identityProviderPort }),
})

/** What Vestibule says is kept back until the guide has been printed; a fault says it itself. */
const createBacklog = () => {
  const waiting: (() => void)[] = []
  let isOpen = false
  const showLater = (show: () => void): void => {
    if (isOpen) show()
    else waiting.push(show)
  }
  return {
    decision: (line: string): void => showLater(() => say(decisionRow(line))),
    notice: (line: string): void => showLater(() => complain(noticeRow(line))),
    open: (): void => {
      isOpen = true
      for (const show of waiting.splice(0)) show()
    },
  }
}

const stopRequested = async (): Promise<'stopped'> =>
  await new Promise((resolve) => {
    const stop = (): void => resolve('stopped')
    // Not `once`: a second Ctrl-C would end this process before its children.
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  })

const check = async (world: World): Promise<number> => {
  const results = await selfCheck(world)
  for (const { name, fault } of results) {
    say(fault === undefined ? `ok      ${name}` : `FAILED  ${name}: ${fault}`)
  }
  return results.every(({ fault }) => fault === undefined) ? 0 : 1
}

const watch = async (world: World, stopped: Promise<'stopped'>): Promise<number> => {
  const first = await Promise.race([stopped, world.casualty])
  // Ctrl-C reaches the children too, and one of them may be quicker than this process.
  const outcome = first === 'stopped' ? first : await Promise.race([stopped, delay(GRACE, first)])
  if (outcome === 'stopped') {
    say('\nStopping.')
    return 0
  }
  complain(`${outcome.name} ${await outcome.ended}; its last lines:`)
  for (const line of outcome.lastLines()) complain(`  ${line}`)
  if (outcome.name === 'nginx') complain(world.controller.errorLog().slice(-2000))
  return 2
}

const run = async (options: Run): Promise<number> => {
  const needed = options.store === 'start' ? ['nginx', 'redis-server'] : ['nginx']
  if (ensureCommands(needed).kind === 'missing') return 2
  const backlog = createBacklog()
  const stopped = stopRequested()
  const world = await startWorld({
    ports: wantedPorts(options) ?? {},
    store: options.store,
    onDecision: backlog.decision,
    onNotice: backlog.notice,
    onBusyPort: (what, wanted, found) =>
      complain(`Port ${wanted} (${what}) is busy; using ${found} instead.`),
  })
  try {
    if (options.check) return await Promise.race([check(world), stopped.then(() => 2)])
    say(`\n${guide(world)}\n\nDecisions`)
    backlog.open()
    return await watch(world, stopped)
  } finally {
    await world.stop()
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  const options = readOptions(args)
  switch (options.kind) {
    case 'help':
      process.stdout.write(HELP)
      return 0
    case 'mistaken':
      complain(`${options.problem}\n\n${HELP}`)
      return 2
    case 'run':
      return await run(options)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  complain(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
