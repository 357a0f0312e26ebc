import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'

export type RecordStoreFixture = {
  readonly store: RecordStore
  /** Lets so much time pass for the records, without waiting. */
  readonly passTime: (ms: number) => Promise<void>
  readonly stop: () => Promise<void>
}

const value = Buffer.from([0, 1, 2, 255, 13, 10])

/** What every record store has to do, run against each. */
export const describeRecordStore = (
  name: string,
  start: () => Promise<RecordStoreFixture>,
): void => {
  describe(name, () => {
    let fixture: RecordStoreFixture
    let store: RecordStore
    let count = 0
    const fresh = (): string => {
      count += 1
      return `test:{${count}}:record`
    }

    beforeAll(async () => {
      fixture = await start()
      ;({ store } = fixture)
    })
    afterAll(() => fixture.stop())

    test('gives back the bytes that were put', async () => {
      const key = fresh()
      await store.put(key, value, 60_000)
      expect(await store.get(key)).toEqual({ ok: true, value })
    })

    test('says undefined, and not a failure, for what is not there', async () => {
      expect(await store.get(fresh())).toEqual({ ok: true, value: undefined })
      expect(await store.take(fresh())).toEqual({ ok: true, value: undefined })
    })

    test('replaces what was there', async () => {
      const key = fresh()
      await store.put(key, value, 60_000)
      await store.put(key, Buffer.from('new'), 60_000)
      expect(await store.get(key)).toEqual({ ok: true, value: Buffer.from('new') })
    })

    test('lets a record end at its time to live', async () => {
      const key = fresh()
      await store.put(key, value, 10_000)
      await fixture.passTime(9_000)
      expect(await store.get(key)).toEqual({ ok: true, value })
      await fixture.passTime(1_001)
      expect(await store.get(key)).toEqual({ ok: true, value: undefined })
    })

    test('lets the time to live begin anew where asked', async () => {
      const key = fresh()
      await store.put(key, value, 10_000)
      await fixture.passTime(9_000)
      await store.get(key, 10_000)
      await fixture.passTime(9_000)
      expect(await store.get(key)).toEqual({ ok: true, value })
    })

    test('does not revive a record by asking for it', async () => {
      const key = fresh()
      await store.put(key, value, 1_000)
      await fixture.passTime(1_001)
      expect(await store.get(key, 10_000)).toEqual({ ok: true, value: undefined })
      expect(await store.get(key)).toEqual({ ok: true, value: undefined })
    })

    test('gives a taken record to one of many takers', async () => {
      const key = fresh()
      await store.put(key, value, 60_000)
      const taken = await Promise.all(Array.from({ length: 50 }, () => store.take(key)))
      expect(taken.filter((each) => each.ok && each.value !== undefined)).toHaveLength(1)
    })

    test('gives a claim to one of many, until it ends', async () => {
      const key = fresh()
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(key, 1000)))
      expect(claims.filter((each) => each.ok && each.value)).toHaveLength(1)
      await fixture.passTime(1001)
      expect(await store.claim(key, 1000)).toEqual({ ok: true, value: true })
    })

    test('replaces what is there, keeping its time to live, and nothing else', async () => {
      const [there, gone] = [fresh(), fresh()]
      await store.put(there, value, 10_000)
      expect(await store.replace(there, Buffer.from('new'))).toEqual({ ok: true, value: true })
      expect(await store.replace(gone, Buffer.from('new'))).toEqual({ ok: true, value: false })
      expect(await store.get(there)).toEqual({ ok: true, value: Buffer.from('new') })
      expect(await store.get(gone)).toEqual({ ok: true, value: undefined })
      await fixture.passTime(10_001)
      expect(await store.get(there)).toEqual({ ok: true, value: undefined })
    })

    test('removes several, some of which are not there', async () => {
      const [one, two] = [fresh(), fresh()]
      await store.put(one, value, 60_000)
      expect(await store.remove([one, two])).toEqual({ ok: true, value: undefined })
      expect(await store.get(one)).toEqual({ ok: true, value: undefined })
    })

    test('answers a ping', async () => {
      expect(await store.ping()).toEqual({ ok: true, value: undefined })
    })
  })
}
