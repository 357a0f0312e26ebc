import { faultText } from '../core/fault.ts'
import { readConfig } from '../edge/config/config.ts'
import { createServiceLog } from '../edge/observe/service-log.ts'
import { DESCRIPTORS, type StartOrder, type Wants, type Word } from '../edge/workers/message.ts'
import { openPrimaryLink, type PrimaryLink } from '../edge/workers/primary-link.ts'
import { withMadeUpKeys } from '../service/primary.ts'
import { type AnsweringService, startAnswering } from '../service.ts'
import { type Environment, type ExitCode } from './command.ts'
import { prepare } from './service-input.ts'
import { complain } from './terminal.ts'
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
  return await work(link, await link.order, environment)
}

const work = async (
  link: PrimaryLink,
  order: StartOrder,
  environment: Environment,
): Promise<ExitCode> => {
  const log = createServiceLog(order.number)
  const refuse = async (faults: Parameters<typeof faultText>[0][]): Promise<ExitCode> => {
    log.fatal({ faults: faults.map(faultText) }, 'cannot start')
    await link.close(undefined)
    return 2
  }
  const config = await readConfig(order.configFile, environment, order.configText)
  if (!config.ok) return await refuse([...config.failure])
  const shared = withMadeUpKeys(config.value, order.madeUpKeys)
  const prepared = await prepare(shared)
  if (!prepared.ok) return await refuse([...prepared.failure])
  const service = await startAnswering(
    { config: shared, ...prepared.value, log },
    {
      verify: { descriptor: DESCRIPTORS.verify },
      public: { descriptor: DESCRIPTORS.public },
    },
  )
  const told = link.stopped.then((why) => ({ why, code: 0 }) as const)
  const stopped = untilStopped(log, service.drain, [told])
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
