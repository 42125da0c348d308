/** How liveness and readiness describe themselves. */
import { Type, type Static } from '@sinclair/typebox'
import type { Operation } from '../http/operation.ts'

const livenessBody = Type.Object({
  live: Type.Literal(true, { description: 'The process answers.' })
})
export type Liveness = Static<typeof livenessBody>

export const readinessBody = Type.Object({
  ready: Type.Boolean({ description: 'Whether this process may be sent requests.' }),
  reason: Type.Optional(Type.String({ description: 'Why not.', examples: ['this process is stopping'] })),
  database: Type.Union([Type.Literal('connected'), Type.Literal('away')], {
    description: 'While the database is away, tokens are issued from memory, up to a limit that the operator sets.', examples: ['connected']
  }),
  stalenessSeconds: Type.Number({ minimum: 0, description: 'Seconds since memory was last known to agree with the database.', examples: [0.1] })
})

export const livenessOperation: Operation = {
  method: 'GET',
  tag: 'Health',
  summary: 'Is the process alive?',
  description: 'For whatever restarts processes that hang. It never looks at the database.',
  readsMemory: false,
  answers: [{ status: 200, description: 'It is.', content: { mediaType: 'application/json', body: { name: 'Liveness', schema: livenessBody } } }],
  errors: [],
  exchanges: [{ name: 'live', summary: 'The process lives', request: {}, answer: { status: 200, body: { live: true } satisfies Liveness } }]
}

export const readinessOperation: Operation = {
  method: 'GET',
  tag: 'Health',
  summary: 'May the process be sent requests?',
  description: 'For load balancers. It is 503 while the process stops, without a usable signing key, and when memory is older than the operator allows. A database that is away is no reason on its own.',
  readsMemory: false,
  answers: [
    { status: 200, description: 'It may.', content: { mediaType: 'application/json', body: { name: 'Readiness', schema: readinessBody } } },
    { status: 503, description: 'It may not; `reason` says why.', content: { mediaType: 'application/json', body: { name: 'Readiness', schema: readinessBody } }, headers: ['Retry-After'] }
  ],
  errors: [],
  exchanges: [
    { name: 'ready', summary: 'The process serves', request: {}, answer: { status: 200, body: { ready: true, database: 'connected', stalenessSeconds: 0.1 } satisfies Static<typeof readinessBody> } },
    { name: 'stopping', summary: 'The process is stopping', answer: { status: 503, body: { ready: false, reason: 'this process is stopping', database: 'connected', stalenessSeconds: 0.1 } satisfies Static<typeof readinessBody> } }
  ]
}
