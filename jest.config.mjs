/** Tests import pure units from source (swc) and everything that starts a worker from the built package, by its name. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' }],
  },
  transformIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/benchmarks/'],
  coverageProvider: 'v8',
  reporters: ['default', '<rootDir>/test/totals-reporter.mjs'],
  testTimeout: 30_000,
};
