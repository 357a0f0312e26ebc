export default {
  testEnvironment: 'node',
  injectGlobals: false,
  restoreMocks: true,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  maxWorkers: 2,
  // Machines are slow at times; what hangs still ends.
  testTimeout: 30_000,
}
