/** Every client in memory: an unknown client id never reaches SQL. */
import { createTableView, type TableView } from '../changes/view.ts'
import type { Client } from './client.ts'

export interface ClientDirectory extends TableView<Client> {
  /** Whether any client has an imported secret; while none has, an untagged secret is refused at once. */
  hasImportedSecrets (): boolean
}

interface ClientSource {
  readAll (): Promise<Client[]>
  readOne (id: string): Promise<Client | undefined>
}

export function createClientDirectory (store: ClientSource): ClientDirectory {
  const importing = new Set<string>()

  function note (client: Client): Client {
    if ([...client.secrets.values()].some(({ imported }) => imported)) importing.add(client.id)
    else importing.delete(client.id)
    return client
  }

  const table = createTableView<Client>({
    async readAll () {
      const clients = await store.readAll()
      importing.clear()
      return clients.map(note)
    },
    async readOne (id) {
      const client = await store.readOne(id)
      if (client === undefined) importing.delete(id)
      return client === undefined ? undefined : note(client)
    },
    keyOf: ({ id }) => id
  })
  return Object.assign(table, { hasImportedSecrets: () => importing.size > 0 })
}
