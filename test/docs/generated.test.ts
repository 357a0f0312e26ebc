import { expect, test } from '@jest/globals'
import { generated } from '../../docs/generate.ts'

test.each(generated())('$file is what the code says (npm run docs)', ({ before, after }) => {
  expect(before).toBe(after)
})
