// The direction of dependencies, as ARCHITECTURE.md states it. Type-only imports count.
const endpoints = '^src/(token|introspection|revocation|discovery|health|docs)/'
const nouns = '^src/(organizations|clients|credential-usage|resources|access-tokens|exchanged-tokens|status-lists|keys|replay|dpop|audit|processes)/'
const base = '^src/(changes|metrics|sealing|http|oauth|generated|[^/]+\\.ts)'
const entries = '^src/(main|supervisor|worker|app|routes)\\.ts$'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['^src/generated/', '^src/healthcheck\\.ts$', '\\.d\\.ts$'] }, to: {} },
    {
      name: 'endpoints-never-import-each-other',
      severity: 'error',
      from: { path: endpoints },
      to: { path: endpoints, pathNot: '^src/$1/' }
    },
    {
      name: 'nouns-import-only-nouns-and-base',
      severity: 'error',
      from: { path: nouns },
      to: { path: '^src/', pathNot: [nouns, base] }
    },
    {
      name: 'a-noun-never-imports-another-nouns-store',
      severity: 'error',
      from: { path: nouns },
      to: { path: '^src/[^/]+/store\\.ts$', pathNot: '^src/$1/' }
    },
    {
      name: 'base-imports-base-only',
      severity: 'error',
      from: { path: '^src/(changes|metrics|sealing|http|oauth)/' },
      to: { path: '^src/', pathNot: [base] }
    },
    {
      name: 'base-never-imports-entries',
      severity: 'error',
      from: { path: [endpoints, nouns, '^src/(changes|metrics|sealing|http|oauth|postgres|setup|configuration|backup|doctor|cli)/'] },
      to: { path: entries }
    },
    {
      name: 'oauth-is-pure',
      severity: 'error',
      from: { path: '^src/oauth/' },
      to: { path: ['^src/(?!oauth/)', 'fastify', '/pg/', 'prisma'] }
    },
    {
      name: 'postgres-for-supervisor-setup-and-cli-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(supervisor|main)\\.ts$', '^src/(postgres|setup|backup|doctor|cli)/'] },
      to: { path: '^src/postgres/' }
    },
    {
      name: 'setup-for-supervisor-and-cli-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(supervisor|main)\\.ts$', '^src/(setup|backup|cli)/'] },
      to: { path: '^src/setup/' }
    },
    {
      name: 'configuration-for-setup-cli-and-doctor-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(setup|cli|doctor|configuration)/' },
      to: { path: '^src/configuration/' }
    },
    {
      name: 'configuration-imports-nouns-and-base-only',
      severity: 'error',
      from: { path: '^src/configuration/' },
      to: { path: '^src/', pathNot: ['^src/configuration/', nouns, base] }
    },
    { name: 'backup-for-cli-only', severity: 'error', from: { path: '^src/', pathNot: '^src/(cli|backup)/' }, to: { path: '^src/backup/' } },
    { name: 'doctor-for-cli-only', severity: 'error', from: { path: '^src/', pathNot: '^src/(cli|doctor)/' }, to: { path: '^src/doctor/' } },
    { name: 'cli-never-imports-endpoints', severity: 'error', from: { path: '^src/(cli|backup|doctor)/' }, to: { path: endpoints } },
    {
      name: 'fastify-at-the-edge-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/http/', '/endpoint\\.ts$', '^src/health/readiness\\.ts$', '^src/(app|worker)\\.ts$'] },
      to: { path: 'node_modules/fastify' }
    },
    {
      name: 'prisma-in-stores-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['/store\\.ts$', '^src/db\\.ts$', '^src/generated/'] },
      to: { path: ['^src/generated/', 'node_modules/@prisma'] }
    },
    {
      name: 'pg-where-prisma-cannot',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/db\\.ts$', '^src/(changes|postgres|backup)/'] },
      to: { path: ['node_modules/pg/', 'node_modules/@types/pg/'] }
    },
    {
      name: 'argon2-in-one-place',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/clients/secrets\\.ts$' },
      to: { path: 'node_modules/argon2' }
    },
    { name: 'packages-stand-alone', severity: 'error', from: { path: '^packages/([^/]+)/' }, to: { path: ['^src/', '^packages/'], pathNot: '^packages/$1/' } },
    { name: 'the-server-imports-no-package-of-ours', severity: 'error', from: { path: '^src/' }, to: { path: ['^packages/', 'node_modules/@signet/'] } },
    {
      name: 'the-verifier-needs-jose-only',
      severity: 'error',
      from: { path: '^packages/verifier/' },
      to: { pathNot: ['^packages/verifier/', 'node_modules/jose/'], dependencyTypesNot: ['core'] }
    },
    {
      name: 'no-development-dependencies-in-the-server',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types/' }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^src/generated/', '^packages/[^/]+/dist/'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] }
  }
}
