/** `GET /metrics`, for Prometheus, on an address of its own: what all workers measure, as one. The supervisor answers. */
import { createServer } from 'node:http'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { listenProblem } from '../port.ts'
import type { Progress } from '../progress.ts'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

export interface MetricsServer {
  /** Lets go of the port. */
  close (): void
}

/** @throws OperatorError when the address is taken or is not one of this machine */
export async function serveMetrics ({ host, port }: MetricsAddress, progress: Progress): Promise<MetricsServer> {
  const workers = new AggregatorRegistry()
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Metrics are at /metrics.\n')
      return
    }
    workers.clusterMetrics().then(
      (text) => { response.writeHead(200, { 'Content-Type': workers.contentType }).end(text) },
      (error: unknown) => { response.writeHead(503, { 'Content-Type': 'text/plain' }).end(`Not every worker answered: ${String(error)}\n`) }
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => { reject(listenProblem(error, { host, port }, { host: 'METRICS_HOST', port: 'METRICS_PORT' })) })
    server.listen(port, host, resolve)
  })
  server.on('error', (error) => { progress(`the metrics are not served any more: ${error.message}`) })
  return {
    close () {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** In a worker, once. @param registry what this worker measures */
export function answerForMetrics (registry: Registry): AggregatorRegistry<'text/plain; version=0.0.4; charset=utf-8'> {
  AggregatorRegistry.setRegistries(registry)
  return new AggregatorRegistry()
}
