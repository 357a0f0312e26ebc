import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { LARGEST_RECORD, type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { proven } from '../support/sessions.ts'

export type RecordStoreFixture = {
  readonly store: RecordStore
  /** Lets so much time pass for the records, without waiting. */
  readonly passTime: (ms: number) => Promise<void>
  readonly stop: () => Promise<void>
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 500) throw new Error('did not come to hold')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const value = Buffer.from([0, 1, 2, 255, 13, 10])

/** What every record store has to do, run against each. */
export const describeRecordStore = (
  title: string,
  start: () => Promise<RecordStoreFixture>,
): void => {
  describe(title, () => {
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

    test('swaps only what is there, gives back what was, and lets it live anew', async () => {
      const [there, gone] = [fresh(), fresh()]
      await store.put(there, value, 10_000)
      await fixture.passTime(9_000)
      expect(await store.swap(there, Buffer.from('new'), 10_000)).toEqual({ ok: true, value })
      await fixture.passTime(9_000)
      expect(await store.get(there)).toEqual({ ok: true, value: Buffer.from('new') })
      expect(await store.swap(gone, value, 10_000)).toEqual({ ok: true, value: undefined })
      expect(await store.get(gone)).toEqual({ ok: true, value: undefined })
      await fixture.passTime(1_001)
      expect(await store.swap(there, value, 10_000)).toEqual({ ok: true, value: undefined })
    })

    test('does not read what is larger than a record', async () => {
      const [largest, larger] = [fresh(), fresh()]
      await store.put(largest, Buffer.alloc(LARGEST_RECORD, 1), 60_000)
      expect(await store.get(largest)).toMatchObject({ ok: true })
      await store.put(larger, Buffer.alloc(LARGEST_RECORD + 1, 1), 60_000)
      expect(await store.get(larger)).toEqual({ ok: false, failure: 'unreachable' })
    })

    test('lets the oldest of a family go', async () => {
      const family = { name: `test:family-${count}`, most: 3 }
      const names = [fresh(), fresh(), fresh(), fresh(), fresh()]
      for (const name of names) {
        await store.putInFamily(family, name, value, 60_000)
        await fixture.passTime(1)
      }
      const kept = await Promise.all(names.map(async (name) => await store.get(name)))
      expect(kept.map((each) => each.ok && each.value !== undefined)).toEqual([
        false,
        false,
        true,
        true,
        true,
      ])
    })

    test('keeps fields under one name, as long as the last one lives', async () => {
      const name = fresh()
      expect(await store.fields(name)).toEqual({ ok: true, value: new Map() })
      expect(await store.setField(name, 'one', value, 10_000)).toEqual({ ok: true, value: 1 })
      await fixture.passTime(9_000)
      expect(await store.setField(name, 'two', value, 10_000)).toEqual({ ok: true, value: 2 })
      await fixture.passTime(9_000)
      expect(await store.fields(name)).toEqual({
        ok: true,
        value: new Map([
          ['one', value],
          ['two', value],
        ]),
      })
      await store.removeFields(name, ['one', 'three'])
      expect(await store.fields(name)).toMatchObject({ value: new Map([['two', value]]) })
      await fixture.passTime(1_001)
      expect(await store.fields(name)).toEqual({ ok: true, value: new Map() })
    })

    test('gives back the entries of a log in order, from where one has read to', async () => {
      const log = fresh()
      expect(await store.entries(log, undefined)).toEqual({ ok: true, value: [] })
      const texts = Array.from({ length: 1200 }, (_each, index) => `entry ${index}`)
      await store.append(log, texts, 60_000)
      const all = await store.entries(log, undefined)
      expect(all.ok && all.value.map(({ text }) => text)).toEqual(texts)
      await store.append(log, ['last'], 60_000)
      const after = await store.entries(log, all.ok ? all.value.at(-1)?.id : undefined)
      expect(after.ok && after.value.map(({ text }) => text)).toEqual(['last'])
    })

    test('lists the names that begin and end so', async () => {
      const names = Array.from({ length: 1500 }, (_each, index) => `test:list-${index}:end`)
      await Promise.all(names.map((name) => store.put(name, value, 60_000)))
      await store.put('test:list-9:other', value, 60_000)
      const found: string[] = []
      for await (const some of store.list('test:list-', ':end')) {
        if (some.ok) found.push(...some.value)
      }
      expect([...new Set(found)].toSorted()).toEqual(names.toSorted())
    })

    test('tells of what changes, to whoever has read it', async () => {
      const [put, gone, swapped] = [fresh(), fresh(), fresh()]
      const changed = new Set<string>()
      store.coherence.onChanged((names) => {
        for (const name of names === 'all' ? ['all'] : names) changed.add(name)
      })
      await proven(store)
      for (const name of [put, gone, swapped]) await store.put(name, value, 60_000)
      await until(() => store.coherence.isProven())
      await Promise.all([put, gone, swapped].map((name) => store.get(name)))
      changed.clear()
      await store.put(put, Buffer.from('new'), 60_000)
      await store.remove([gone])
      await store.swap(swapped, value, 60_000)
      await until(() => [put, gone, swapped].every((name) => changed.has(name)))
      expect([...changed].toSorted()).toEqual([put, gone, swapped].toSorted())
    })

    test('gives a taken record to one of many takers', async () => {
      const key = fresh()
      await store.put(key, value, 60_000)
      const taken = await Promise.all(Array.from({ length: 50 }, () => store.take(key)))
      expect(taken.filter((each) => each.ok && each.value !== undefined)).toHaveLength(1)
    })

    test('gives a claim to one of many, until it ends', async () => {
      const key = fresh()
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_each, holder) => store.claim(key, `${holder}`, 1000)),
      )
      expect(claims.filter((each) => each.ok && each.value)).toHaveLength(1)
      await fixture.passTime(1001)
      expect(await store.claim(key, 'other', 1000)).toEqual({ ok: true, value: true })
    })

    test('lets only the holder extend or release a claim', async () => {
      const key = fresh()
      await store.claim(key, 'mine', 60_000)
      expect(await store.extend(key, 'yours', 60_000)).toEqual({ ok: true, value: false })
      await fixture.passTime(50_000)
      expect(await store.extend(key, 'mine', 60_000)).toEqual({ ok: true, value: true })
      await fixture.passTime(50_000)
      await store.release(key, 'yours')
      expect(await store.claim(key, 'yours', 60_000)).toEqual({ ok: true, value: false })
      await store.release(key, 'mine')
      expect(await store.claim(key, 'yours', 60_000)).toEqual({ ok: true, value: true })
      expect(await store.extend(key, 'mine', 60_000)).toEqual({ ok: true, value: false })
    })

    test('replaces with another time to live where asked', async () => {
      const key = fresh()
      await store.put(key, value, 60_000)
      expect(await store.replace(key, value, 1000)).toEqual({ ok: true, value: true })
      await fixture.passTime(1001)
      expect(await store.get(key)).toEqual({ ok: true, value: undefined })
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

    test('removes several of one thing, some of which are not there', async () => {
      const thing = fresh()
      const [one, two] = [`${thing}:one`, `${thing}:two`]
      await store.put(one, value, 60_000)
      await store.put(two, value, 60_000)
      expect(await store.remove([one, `${thing}:none`, two])).toEqual({
        ok: true,
        value: undefined,
      })
      expect(await store.get(one)).toEqual({ ok: true, value: undefined })
      expect(await store.get(two)).toEqual({ ok: true, value: undefined })
    })

    test('answers a ping', async () => {
      expect(await store.ping()).toEqual({ ok: true, value: undefined })
    })
  })
}
