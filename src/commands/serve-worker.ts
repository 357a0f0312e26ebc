import { type Fault, faultText } from '../core/fault.ts'
import { ok, type Result } from '../core/result.ts'
import { readConfig } from '../edge/config/config.ts'
import { createServiceLog } from '../edge/observe/service-log.ts'
import { descriptorsOf, type StartOrder, type Wants, type Word } from '../edge/workers/message.ts'
import { openPrimaryLink, type PrimaryLink } from '../edge/workers/primary-link.ts'
import { DOORS } from '../service/doors.ts'
import { withMadeUpKeys } from '../service/made-up-keys.ts'
import { type ServiceInput } from '../service/parts.ts'
import { type AnsweringService, startAnswering } from '../service.ts'
import { type Environment, type ExitCode } from './command.ts'
import { prepare } from './service-input.ts'
import { complain } from './terminal.ts'
import { tidyHeap } from './tidy-heap.ts'
import { untilStopped } from './until-stopped.ts'

/** One of the processes that `vestibule serve` has answer requests. */
export const runWorker = async (environment: Environment): Promise<ExitCode> => {
  const link = openPrimaryLink()
  if (link === undefined) {
    complain('vestibule serve starts this where it has workers; it is no command.')
    return 2
  }
  // A terminal interrupts all processes at once; the primary says when to end.
  process.on('SIGINT', () => undefined)
  const order = await link.order
  const log = createServiceLog(order.number)
  const input = await readInput(order, environment)
  if (!input.ok) {
    log.fatal({ faults: input.failure.map(faultText) }, 'cannot start')
    await link.refuse()
    return 2
  }
  return await work(link, { ...input.value, log })
}

const readInput = async (
  order: StartOrder,
  environment: Environment,
): Promise<Result<Omit<ServiceInput, 'log'>, readonly Fault[]>> => {
  const read = await readConfig(order.configFile, environment, order.configText)
  if (!read.ok) return read
  const config = withMadeUpKeys(read.value, order.madeUpKeys)
  const prepared = await prepare(config)
  return prepared.ok ? ok({ config, ...prepared.value }) : prepared
}

const work = async (link: PrimaryLink, input: ServiceInput): Promise<ExitCode> => {
  tidyHeap()
  const { verify, public: pages } = descriptorsOf(DOORS)
  const service = await startAnswering(input, {
    verify: { descriptors: verify },
    public: { descriptors: pages },
  })
  const told = link.stopped.then((why) => ({ why, code: 0 }) as const)
  const stopped = untilStopped(input.log, service.drain, [told])
  link.ready((wants) => answer(service, wants))
  const code = await stopped
  await link.close(await answer(service, 'metrics'))
  return code
}

const answer = async (service: AnsweringService, wants: Wants): Promise<Word> => ({
  policyVersion: service.policyVersion(),
  ...(wants === 'health' ? { failing: [...(await service.failing())] } : {}),
  ...(wants === 'metrics' ? { metrics: [...(await service.metrics.report())] } : {}),
})
