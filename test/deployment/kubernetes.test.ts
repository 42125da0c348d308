import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { environmentSchema, loadConfig } from '../../src/config.ts'
import { routesOf } from '../../src/routes.ts'
import { readDocument } from '../documents/markdown.ts'

const kinds = { ConfigMap, Deployment, Service, PodDisruptionBudget } as const
const file = 'deploy/kubernetes/signet.yaml'

function read (text: string): Record<string, unknown>[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as Record<string, unknown>) // validated below
}

/**
 * What Kubernetes would refuse. The validators of kubernetes-models let unknown members pass, but they look at every
 * member that they know: one that nobody looked at is unknown.
 */
function problemsOf (object: Record<string, unknown>): string[] {
  const Model = Object.entries(kinds).find(([kind]) => kind === object['kind'])?.[1]
  if (Model === undefined) return [`an unknown kind ${String(object['kind'])}`]
  const seen = new Set<string>()
  const model = new Model(object)
  for (const [name, value] of Object.entries(object)) Object.assign(model, { [name]: watch(value, name, seen) })
  try {
    model.validate()
  } catch (error) {
    return [String(error)]
  }
  return flatten(object).map(([path]) => path).filter((path) => !seen.has(path) && path.includes('.')).map((path) => `${path} is unknown`)
}

function watch (value: unknown, path: string, seen: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get (target, name) {
      const found: unknown = Reflect.get(target, name)
      if (typeof name === 'symbol' || !Object.hasOwn(target, name)) return found
      seen.add(`${path}.${name}`)
      return watch(found, `${path}.${name}`, seen)
    }
  })
}

/** Every path and value, such as `spec.replicas` and 2. */
function flatten (value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([name, each]) => flatten(each, path === '' ? name : `${path}.${name}`))
}

const objects = read(readDocument(file))

function only (kind: keyof typeof kinds): Record<string, unknown> {
  const found = objects.filter((object) => object['kind'] === kind)
  if (found.length !== 1 || found[0] === undefined) throw new Error(`there are ${found.length} of ${kind}`)
  return found[0]
}

function at (kind: keyof typeof kinds, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined, only(kind)) // an object
}

describe(file, () => {
  it('has a ConfigMap, a Deployment, a Service and a PodDisruptionBudget that Kubernetes accepts, without unknown members', () => {
    expect(objects.map(({ kind }) => kind)).toEqual(Object.keys(kinds))
    expect(objects.flatMap(problemsOf)).toEqual([])
  })

  it.each([['readOnlyRootFilesystem', 'readOnlyRootFileSystem'], ['replicas: 2', 'replicas: two'], ['minReadySeconds', 'minimumReadySeconds'], ['httpGet', 'httpget'], ['targetPort', 'target'], ['minAvailable', 'minimumAvailable']])('would be refused with %s changed to %s', (right, wrong) => {
    expect(read(readDocument(file).replace(right, wrong)).flatMap(problemsOf)).not.toEqual([])
  })

  it('has no Secret and no secret', () => {
    expect(readDocument(file)).not.toMatch(/kind: Secret|stringData/)
  })

  it('selects the pods that it makes, and leads to the port that they listen on', () => {
    const labels = at('Deployment', 'spec.template.metadata.labels')
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'signet' })
    for (const [kind, path] of [['Deployment', 'spec.selector.matchLabels'], ['Service', 'spec.selector'], ['PodDisruptionBudget', 'spec.selector.matchLabels']] as const) expect(at(kind, path), kind).toEqual(labels)
    expect(at('Deployment', 'spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels')).toEqual(labels)
    expect(at('Deployment', 'spec.template.spec.containers.0.ports')).toEqual([{ name: 'http', containerPort: loadConfig({}).port, protocol: 'TCP' }])
    expect(at('Service', 'spec.ports.0.targetPort')).toBe('http')
  })

  it('asks paths for health that the server has', () => {
    const routes = routesOf('https://auth.example.com').map(({ path }) => path)
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      const get = at('Deployment', `spec.template.spec.containers.0.${probe}.httpGet`) as { path: string, port: string } // validated above
      expect(get.port).toBe('http')
      expect(routes).toContain(get.path)
    }
  })

  it('gives the server variables that it knows, and takes, and a longer time to stop than they ask for', () => {
    const variables = at('Deployment', 'spec.template.spec.containers.0.env') as { name: string, value: string }[] // validated above
    const environment = Object.fromEntries(variables.map(({ name, value }) => [name, value]))
    expect(Object.keys(environment).filter((name) => !(name in environmentSchema.properties))).toEqual([])
    const { drainSeconds, shutdownTimeoutSeconds, trustProxy } = loadConfig({ ...environment, DATABASE_PASSWORD_FILE: '' })
    expect(shutdownTimeoutSeconds).toBeGreaterThan(drainSeconds + 10)
    expect(at('Deployment', 'spec.template.spec.terminationGracePeriodSeconds')).toBeGreaterThan(shutdownTimeoutSeconds)
    expect(trustProxy).not.toEqual([])
  })

  it('meets the restricted Pod Security Standard', () => {
    const settings = new Map(flatten(at('Deployment', 'spec.template.spec')))
    expect(Object.fromEntries([...settings].filter(([path]) => path.includes('securityContext')))).toMatchObject({
      'securityContext.runAsNonRoot': true,
      'securityContext.runAsUser': 10001,
      'securityContext.seccompProfile.type': 'RuntimeDefault',
      'containers.0.securityContext.allowPrivilegeEscalation': false,
      'containers.0.securityContext.readOnlyRootFilesystem': true,
      'containers.0.securityContext.capabilities.drop.0': 'ALL'
    })
    expect([...settings.keys()].filter((path) => /hostPath|hostNetwork|hostPID|hostIPC|hostPort/.test(path))).toEqual([])
    expect(readDocument('Dockerfile')).toContain('USER 10001:10001')
  })

  it('mounts the files that its variables name', () => {
    const mounts = at('Deployment', 'spec.template.spec.containers.0.volumeMounts') as { name: string, mountPath: string }[] // validated above
    const volumes = at('Deployment', 'spec.template.spec.volumes') as { name: string }[] // validated above
    expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
    const files = flatten(at('Deployment', 'spec.template.spec.containers.0.env')).map(([, value]) => String(value)).filter((value) => value.startsWith('/'))
    expect(files.filter((path) => !mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`)))).toEqual([])
    expect(only('ConfigMap')['data']).toHaveProperty(['signet.yaml'])
  })
})
