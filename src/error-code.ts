/** The `code` of an error of Node.js (`ENOENT`) or PostgreSQL (`57P03`), if it has one. */
export function errorCode (error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
