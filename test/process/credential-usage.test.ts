import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEmbedded } from '../../src/postgres/embedded.ts'
import { query } from '../support/databases.ts'
import { until } from '../support/data-folder.ts'
import { freePort, processesOf, requestToken, startSignet, type SignetProcess } from '../support/signet-process.ts'
import { makeStartedFolder, type StartedFolder } from '../support/started-folder.ts'

let folder: StartedFolder

beforeAll(async () => { folder = await makeStartedFolder() })
afterAll(async () => {
  for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
  await folder.remove()
})

async function startAndRequest (tokens: number): Promise<SignetProcess> {
  const signet = startSignet({ dataDir: folder.dataDir, port: await freePort(), environment: { WORKERS: '2' } })
  await signet.listening()
  for (let times = 0; times < tokens; times += 1) expect(await requestToken(signet.origin, folder.client)).toBe(200)
  return signet
}

async function recorded (): Promise<unknown> {
  const { url, release } = await openEmbedded({ dataDir: folder.dataDir, postgresUser: undefined, progress: () => {} })
  try {
    return (await query(url, 'SELECT client_id, tokens_minted::int AS tokens FROM credential_usage'))
  } finally {
    await release()
  }
}

it('what workers counted is written when they are stopped, and kill -9 loses what was counted since the last write and no more', async () => {
  const stopped = await startAndRequest(20)
  process.kill(stopped.pid, 'SIGTERM')
  await stopped.ended
  const before = [{ client_id: folder.client.clientId, tokens: 20 }]
  expect(await recorded()).toEqual(before)

  await startAndRequest(5)
  for (const pid of await processesOf(folder.dataDir)) process.kill(pid, 'SIGKILL')
  await until(async () => (await processesOf(folder.dataDir)).length === 0, 'every process is gone', 5)
  expect(await recorded()).toEqual(before)
}, 60_000)
