/** What this process measures of itself. Names end in their unit; no label comes from a client. */
import { Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** @param seconds from when it was stored until it was in force in this process */
  revocationArrived (seconds: number): void
}

export function createMetrics ({ stalenessSeconds }: { readonly stalenessSeconds: () => number }): Metrics {
  const registry = new Registry()
  const propagation = new Histogram({
    name: 'signet_revocation_propagation_seconds',
    help: 'How long it took from when a revocation was stored until it was in force in a process: introspection refuses the token, and the published list says so.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry]
  })
  registry.registerMetric(new Gauge({
    name: 'signet_staleness_seconds',
    help: 'How old what a process knows may be: since it last heard from the database. Of several workers, the oldest.',
    aggregator: 'max',
    registers: [],
    collect () { this.set(stalenessSeconds()) }
  }))
  return { registry, revocationArrived: (seconds) => { propagation.observe(seconds) } }
}
