/** One thing at a time, in two lanes: what only a holder of a genuine secret can cause goes before what anybody can. */
import { temporarilyUnavailable } from '../oauth/errors.ts'

export type Lane = 'genuine' | 'anybody'

/** @throws OAuthError `temporarily_unavailable` when the lane is full */
export type InTurn = <Result>(lane: Lane, task: () => Promise<Result>) => Promise<Result>

/** @param limit how many may wait in each lane */
export function createTurns (limit: number): InTurn {
  const waiting: Record<Lane, (() => void)[]> = { genuine: [], anybody: [] }
  let busy = false

  function next (): void {
    const start = waiting.genuine.shift() ?? waiting.anybody.shift()
    if (start === undefined) busy = false
    else start()
  }

  async function turn (lane: Lane): Promise<void> {
    if (!busy) {
      busy = true
      return
    }
    if (waiting[lane].length >= limit) throw temporarilyUnavailable('Too many secrets are being verified at this moment; try again in a second.', 1, `argon2 lane ${lane} is full`)
    await new Promise<void>((resolve) => { waiting[lane].push(resolve) })
  }

  return async (lane, task) => {
    await turn(lane)
    try {
      return await task()
    } finally {
      next()
    }
  }
}
