import { type StartOrder, TO_WORKER, type ToPrimary, type Wants, type Word } from './message.ts'

/** The way from a worker to its primary. */
export type PrimaryLink = {
  /** What the worker is to be. */
  readonly order: Promise<StartOrder>
  /** Says that connections are taken from now on, and answers what the primary asks. */
  readonly ready: (answer: (wants: Wants) => Promise<Word>) => void
  /** Resolves with the reason when the worker is to end: told so, or the primary is gone. */
  readonly stopped: Promise<string>
  /** Says that there is no starting like this, and lets go, so that the process can end. */
  readonly refuse: () => Promise<void>
  /** Says the last word and lets go. */
  readonly close: (word: Word) => Promise<void>
}

/** Undefined where no primary started this process. */
export const openPrimaryLink = (): PrimaryLink | undefined => {
  if (process.send === undefined) return undefined
  const order = Promise.withResolvers<StartOrder>()
  const stopped = Promise.withResolvers<string>()
  let answer: ((wants: Wants) => Promise<Word>) | undefined
  process.on('disconnect', () => stopped.resolve('the primary is gone'))
  process.on('message', (message: unknown) => {
    const parsed = TO_WORKER.safeParse(message)
    if (!parsed.success) return
    const { data } = parsed
    if (data.kind === 'start') order.resolve(data)
    else if (data.kind === 'drain') stopped.resolve('told to')
    else if (answer !== undefined) void reply(data.id, answer(data.wants))
  })
  return {
    order: order.promise,
    stopped: stopped.promise,
    ready: (answers) => {
      answer = answers
      void tell({ kind: 'ready' })
    },
    refuse: () => leave({ kind: 'refused' }),
    close: (word) => leave({ kind: 'last word', word }),
  }
}

const reply = async (id: number, word: Promise<Word>): Promise<void> => {
  await tell({ kind: 'answer', id, word: await word })
}

const leave = async (message: ToPrimary): Promise<void> => {
  await tell(message)
  if (process.connected) process.disconnect()
}

/** Resolves when it was sent, or could not be: then the primary is gone, which is heard of too. */
const tell = (message: ToPrimary): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
