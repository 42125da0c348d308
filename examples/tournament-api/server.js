/** The entry: environment -> options -> listen -> drain. */
import { createApi } from './api.js'
import { readOptions } from './options.js'

try {
  const { host, port, ...options } = readOptions(process.env)
  const api = createApi(options)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => api.close())
  await api.listen({ host, port })
  console.log(`the tournament API listens on http://${host}:${port}`)
} catch (error) {
  console.error(`tournament-api: ${error.message}`)
  process.exitCode = 1
}
