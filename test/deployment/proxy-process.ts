/** The reverse proxies of deploy/proxies, each run with its own file; only ports and the places of files are other ones. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { readDocument } from '../documents/markdown.ts'
import { until } from '../support/data-folder.ts'

export interface ProxyKind {
  readonly name: string
  readonly file: string
  readonly version: readonly string[]
  /** Where the access log goes: a file in the scratch folder, or what the program prints. */
  readonly log: 'access.log' | 'printed'
  readonly start: (config: string) => readonly string[]
  readonly adapt: (text: string, places: Places) => string
}

interface Places {
  readonly scratch: string
  readonly port: number
}

export interface Proxy {
  readonly origin: string
  log (): string
  stop (): Promise<void>
}

export const proxyKinds: readonly ProxyKind[] = [
  {
    name: 'nginx',
    file: 'deploy/proxies/nginx.conf',
    version: ['nginx', '-v'],
    log: 'access.log',
    start: (config) => ['nginx', '-c', config, '-g', 'daemon off;'],
    adapt: (text, { scratch, port }) => text.replaceAll('/var/log/nginx', scratch).replace('/run/nginx.pid', `${scratch}/nginx.pid`).replace('listen 443', `listen 127.0.0.1:${port}`)
  },
  {
    name: 'HAProxy',
    file: 'deploy/proxies/haproxy.cfg',
    version: ['haproxy', '-v'],
    log: 'printed',
    start: (config) => ['haproxy', '-db', '-f', config],
    adapt: (text, { port }) => text.replace('bind :443', `bind 127.0.0.1:${port}`)
  },
  {
    name: 'Caddy',
    file: 'deploy/proxies/Caddyfile',
    version: ['caddy', 'version'],
    log: 'printed',
    start: (config) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', config],
    // A certificate of our own instead of one from an authority, and no administration port.
    adapt: (text, { scratch, port }) => text.replace('{\n', '{\n\tadmin off\n\tskip_install_trust\n').replace('auth.example.com {', `https://auth.example.com:${port} {\n\ttls ${scratch}/tls/fullchain.pem ${scratch}/tls/privkey.pem`)
  }
]

export function isInstalled ({ version: [program = '', ...parameters] }: ProxyKind): boolean {
  return spawnSync(program, parameters).error === undefined
}

/** For auth.example.com, in the places where the files look for it. @returns the certificate */
export function makeCertificate (scratch: string): string {
  const folder = join(scratch, 'tls')
  execFileSync('mkdir', ['-p', folder])
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'privkey.pem', '-out', 'fullchain.pem', '-days', '1', '-subj', '/CN=auth.example.com', '-addext', 'subjectAltName=DNS:auth.example.com'], { cwd: folder, stdio: 'pipe' })
  const certificate = readFileSync(join(folder, 'fullchain.pem'), 'utf8')
  writeFileSync(join(folder, 'haproxy.pem'), certificate + readFileSync(join(folder, 'privkey.pem'), 'utf8'))
  return certificate
}

export async function startProxy (kind: ProxyKind, places: Places, instances: readonly [number, number]): Promise<Proxy> {
  const { scratch, port } = places
  const config = join(scratch, kind.file.replace(/.*\//, ''))
  const moved = readDocument(kind.file).replaceAll('127.0.0.1:8080', `127.0.0.1:${instances[0]}`).replaceAll('127.0.0.1:8081', `127.0.0.1:${instances[1]}`).replaceAll('/etc/signet/tls', `${scratch}/tls`)
  writeFileSync(config, kind.adapt(moved, places))
  const [program = '', ...parameters] = kind.start(config)
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: scratch } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { printed += text })
  const ended = once(child, 'close')
  await until(async () => child.exitCode !== null || await accepts(port), `${kind.name} listens: ${printed}`)
  if (child.exitCode !== null) throw new Error(`${kind.name} ended: ${printed}`)
  return {
    origin: `https://auth.example.com:${port}`,
    log: () => kind.log === 'printed' ? printed : readFileSync(join(scratch, kind.log), 'utf8'),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    }
  }
}

async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
