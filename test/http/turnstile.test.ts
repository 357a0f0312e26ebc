import { describe, expect, test } from '@jest/globals'
import { createTurnstile } from '../../src/edge/crowd/turnstile.ts'

const turn = async (): Promise<void> => {
  await new Promise(setImmediate)
}

/** Work that ends when the test says, or at once. */
const worksOf = () => {
  const ends: (() => void)[] = []
  let begun = 0
  return {
    begun: () => begun,
    endAll: () => {
      for (const end of ends.splice(0)) end()
    },
    slow: async (): Promise<string> => {
      begun += 1
      await new Promise<void>((resolve) => {
        ends.push(resolve)
      })
      return 'done'
    },
    quick: async (): Promise<string> => {
      begun += 1
      return await Promise.resolve('done')
    },
  }
}

describe('a turnstile', () => {
  test('begins work at once where nobody is there', async () => {
    const work = worksOf()
    const admit = createTurnstile({ most: 1, mostWaiting: 1, perTurn: 1 })
    const done = admit(work.quick)
    expect(work.begun()).toBe(1)
    expect(await done).toBe('done')
  })

  test('begins no more in one turn of the event loop than is allowed, in order', async () => {
    const order: number[] = []
    const admit = createTurnstile({ most: 100, mostWaiting: 100, perTurn: 3 })
    const all = Array.from({ length: 8 }, (_each, index) =>
      admit(async () => {
        order.push(index)
        await Promise.resolve()
      }),
    )
    const begun = [order.length]
    while (order.length < 8) {
      await turn()
      begun.push(order.length)
    }
    await Promise.all(all.map((each) => Promise.resolve(each)))
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(begun.every((count, index) => count - (begun[index - 1] ?? 0) <= 3)).toBe(true)
  })

  test('lets no more work than is allowed at once, and the others when it ends', async () => {
    const work = worksOf()
    const admit = createTurnstile({ most: 2, mostWaiting: 10, perTurn: 10 })
    const all = Array.from({ length: 5 }, () => admit(work.slow))
    for (const expected of [2, 4, 5]) {
      await turn()
      await turn()
      expect(work.begun()).toBe(expected)
      work.endAll()
      await turn()
    }
    await Promise.all(all.map((each) => Promise.resolve(each)))
  })

  test('turns away who would wait too long, and nobody once there is room', async () => {
    const work = worksOf()
    const admit = createTurnstile({ most: 1, mostWaiting: 2, perTurn: 1 })
    const all = [admit(work.slow), admit(work.slow), admit(work.slow)]
    expect(all.map((each) => each !== undefined)).toEqual([true, true, true])
    expect(admit(work.slow)).toBeUndefined()
    expect(work.begun()).toBe(1)
    for (let count = 0; count < 3; count += 1) {
      work.endAll()
      await turn()
      await turn()
    }
    expect(await Promise.all(all.map((each) => Promise.resolve(each)))).toEqual([
      'done',
      'done',
      'done',
    ])
    expect(await admit(work.quick)).toBe('done')
  })

  test('goes on after work that fails', async () => {
    const admit = createTurnstile({ most: 1, mostWaiting: 5, perTurn: 1 })
    const broken = async (): Promise<string> => {
      await Promise.resolve()
      throw new Error('broken')
    }
    const all = [admit(broken), admit(broken), admit(worksOf().quick)]
    expect(
      (await Promise.allSettled(all.map((each) => Promise.resolve(each)))).map(
        ({ status }) => status,
      ),
    ).toEqual(['rejected', 'rejected', 'fulfilled'])
  })

  test('answers at once what is known at once, and has room again', async () => {
    const admit = createTurnstile({ most: 1, mostWaiting: 1, perTurn: 2 })
    expect([admit(() => 'one'), admit(() => 'two')]).toEqual(['one', 'two'])
    const third = admit(() => 'three')
    expect(third).toBeInstanceOf(Promise)
    expect(await third).toBe('three')
  })

  test('goes on after work that throws at once', async () => {
    const admit = createTurnstile({ most: 1, mostWaiting: 1, perTurn: 1 })
    const broken = (): string => {
      throw new Error('broken')
    }
    expect(() => admit(broken)).toThrow('broken')
    await expect(admit(broken)).rejects.toThrow('broken')
    await turn()
    expect(admit(() => 'done')).toBe('done')
  })
})
