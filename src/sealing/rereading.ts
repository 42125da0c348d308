import { readMasterKeys, type MasterKeys, type MasterKeySource } from './master-key.ts'
import { createSealer, type Sealer } from './sealer.ts'

/** Where an envelope names a master key that is not known yet, the files are read again: one of them may have been replaced. */
export function createRereadingSealer ({ current, others }: MasterKeys, source: MasterKeySource): Sealer {
  return createSealer(current, {
    others,
    async reread () {
      const keys = await readMasterKeys(source)
      return keys === undefined ? [] : [keys.current, ...keys.others]
    }
  })
}
