import { join } from 'node:path'

// Tests start the program a few hundred times; what Node has once compiled, it need not again.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node')

export default {
  testEnvironment: 'node',
  injectGlobals: false,
  restoreMocks: true,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  testSequencer: './jest.order.js',
  // One more than cores: some suites mostly wait, for Sentinels to fail over and leases to end.
  maxWorkers: 3,
  // Machines are slow at times; what hangs still ends.
  testTimeout: 30_000,
}
