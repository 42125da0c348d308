import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

type ReadText = (path: string) => string | undefined

/**
 * How many cores this process may keep busy: those of the machine, or fewer where a cgroup's quota grants fewer
 * (Node.js 20 does not look at it). Part of a core is not counted, because a process that uses it is throttled.
 * @see [Linux: cgroup v2, cpu.max](https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files)
 * @see [Linux: CFS bandwidth control (cgroup v1)](https://docs.kernel.org/scheduler/sched-bwc.html)
 */
export function grantedCores (readText: ReadText = readIfThere, machineCores = availableParallelism()): number {
  const quotas = quotaFolders(readText).flatMap((folder) => {
    const quota = readQuota(folder, readText)
    return quota === undefined ? [] : [quota]
  })
  return Math.max(1, Math.min(machineCores, ...quotas.map(Math.floor)))
}

/** Every folder whose quota binds us: our cgroup and the ones around it, as far as we see them. */
function quotaFolders (readText: ReadText): string[] {
  const lines = (readText('/proc/self/cgroup') ?? '').split('\n')
  return lines.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined || (controllers !== '' && controllers?.split(',').includes('cpu') !== true)) return []
    const roots = controllers === '' ? ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'] : ['/sys/fs/cgroup/cpu', `/sys/fs/cgroup/${controllers}`]
    return roots.flatMap((root) => ancestors(path).map((part) => join(root, part)))
  })
}

function ancestors (path: string): string[] {
  return path === '/' ? ['/'] : [path, ...ancestors(dirname(path))]
}

function readQuota (folder: string, readText: ReadText): number | undefined {
  const [quota, period] = readText(join(folder, 'cpu.max'))?.trim().split(/\s+/) ??
    [readText(join(folder, 'cpu.cfs_quota_us')), readText(join(folder, 'cpu.cfs_period_us'))]
  const cores = Number(quota) / Number(period) // "max" and an absent file become NaN, v1's "no limit" is -1
  return cores > 0 ? cores : undefined
}

function readIfThere (path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
