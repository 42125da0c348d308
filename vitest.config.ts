import { defineConfig } from 'vitest/config'

const limits = { testTimeout: 20_000, hookTimeout: 60_000 }
const testsIn = (...folders: readonly string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`)

/** Nothing of theirs stays in the process that ran them but the modules of src, which take longer to load than most tests. */
const leavesNothing = [
  ...testsIn('architecture', 'cli', 'clients', 'configuration', 'conformance', 'packages', 'properties', 'unit'),
  'test/documents/{architecture,cli,configuration,errors,links,openapi}.test.ts'
]

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    teardownTimeout: 30_000,
    // They run in the order of their names, and so those that take long come first.
    projects: [
      // Each test file in a process of its own: what it leaks ends with it.
      { test: { name: 'alone', include: testsIn('*'), exclude: leavesNothing, ...limits } },
      { test: { name: 'together', include: leavesNothing, isolate: false, ...limits } }
    ]
  }
})
