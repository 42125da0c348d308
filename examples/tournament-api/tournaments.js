/** The data: what an organization has, no other sees. */
export function createTournaments () {
  const byOrganization = new Map()

  function listOf (organization) {
    const existing = byOrganization.get(organization)
    if (existing !== undefined) return existing
    const first = [{ id: '1', name: 'Spring Cup' }, { id: '2', name: 'Summer Cup' }]
    byOrganization.set(organization, first)
    return first
  }

  return {
    listOf,

    add (organization, name) {
      const list = listOf(organization)
      const tournament = { id: String(Math.max(0, ...list.map(({ id }) => Number(id))) + 1), name }
      list.push(tournament)
      return tournament
    },

    /** @returns {boolean} whether there was one */
    remove (organization, id) {
      const list = listOf(organization)
      const position = list.findIndex((tournament) => tournament.id === id)
      if (position >= 0) list.splice(position, 1)
      return position >= 0
    }
  }
}
