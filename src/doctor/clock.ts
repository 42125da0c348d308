import { ok, problem, warning, type Finding } from './finding.ts'

const noticeableSeconds = 5
const harmfulSeconds = 60
const advice = 'Keep the clocks of both machines right with NTP: tokens carry times.'

/**
 * @param aheadMillis how far the other clock is ahead of ours
 * @param unsureMillis what the measurement leaves open
 */
export function clockFinding (check: string, whose: string, aheadMillis: number, unsureMillis: number): Finding {
  const seconds = Math.max(0, Math.abs(aheadMillis) - unsureMillis) / 1000
  if (seconds < noticeableSeconds) return ok(check, `agrees with the clock here to ${noticeableSeconds} s`)
  const found = `the clock of ${whose} is ${seconds.toFixed(0)} s ${aheadMillis > 0 ? 'ahead of' : 'behind'} the one here`
  return seconds < harmfulSeconds ? warning(check, found, advice) : problem(check, found, advice)
}
