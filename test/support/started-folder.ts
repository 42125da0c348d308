import { newDataFolder, type DataFolder } from './data-folder.ts'
import { freePort, sampleOf, startSignet, type SampleClient } from './signet-process.ts'

export interface StartedFolder extends DataFolder {
  /** Of the sample that the first start made. */
  readonly client: SampleClient
}

/** A data folder that went through its first start and is stopped, for tests that begin with the second. */
export async function makeStartedFolder (): Promise<StartedFolder> {
  const folder = await newDataFolder()
  const signet = startSignet({ dataDir: folder.dataDir, port: await freePort() })
  await signet.listening()
  process.kill(signet.pid, 'SIGTERM')
  await signet.ended
  return { ...folder, client: sampleOf(signet.stdout()) }
}
