import { describe, expect, it } from 'vitest'
import { grantedCores } from '../../src/cores.ts'

function coresWith (files: Readonly<Record<string, string>>, machineCores = 8): number {
  return grantedCores((path) => files[path], machineCores)
}

describe('the cores that a cgroup grants', () => {
  it('are those of the machine where nothing limits them', () => {
    expect(coresWith({})).toBe(8)
    expect(coresWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBe(8)
  })

  it('are the quota of cgroup v2, in a container and below a slice of the host', () => {
    expect(coresWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' })).toBe(2)
    expect(coresWith({ '/proc/self/cgroup': '0::/system.slice/signet.service\n', '/sys/fs/cgroup/system.slice/signet.service/cpu.max': '300000 100000\n' })).toBe(3)
  })

  it('are the tightest of all quotas around us', () => {
    expect(coresWith({
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/b/cpu.max': '600000 100000\n',
      '/sys/fs/cgroup/a/cpu.max': '400000 100000\n'
    })).toBe(4)
  })

  it('are the quota of cgroup v1, whose -1 is no limit', () => {
    const cgroup = '4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n'
    const quota = (value: string): Readonly<Record<string, string>> => ({
      '/proc/self/cgroup': cgroup, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': `${value}\n`, '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n'
    })
    expect(coresWith(quota('250000'))).toBe(2)
    expect(coresWith(quota('-1'))).toBe(8)
  })

  it('are whole ones, and at least one', () => {
    expect(coresWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '50000 100000\n' })).toBe(1)
    expect(coresWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '190000 100000\n' })).toBe(1)
  })

  it('are never more than the machine has', () => {
    expect(coresWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '1600000 100000\n' })).toBe(8)
  })
})
