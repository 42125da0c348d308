/** What a configuration file owns is changed in that file: a change behind its back would be undone by the next apply. */
import { refuse } from './find.ts'

export interface Ownership {
  readonly managedBy: string | null
  readonly disabledAt: Date | null
  /** The file that disabled it; null: by hand, if at all. */
  readonly disabledBy: string | null
}

/** For update and delete, which have no exception. */
export function refuseManaged (title: string, { managedBy }: Pick<Ownership, 'managedBy'>): void {
  if (managedBy !== null) refuse(belongs(title, managedBy))
}

/** For the emergency stops. */
export function refuseManagedUnlessOverridden (title: string, { managedBy }: Pick<Ownership, 'managedBy'>, override: boolean): void {
  if (managedBy !== null && !override) {
    refuse(`${belongs(title, managedBy)} In an emergency add --override, which stops it at once, whatever the file says.`)
  }
}

/** A file's word stands: only what was stopped by hand is started by hand. */
export function refuseManagedEnabling (title: string, { managedBy, disabledAt, disabledBy }: Ownership, override: boolean): void {
  if (managedBy === null) return
  const byHand = disabledAt !== null && disabledBy === null
  if (disabledAt !== null && disabledBy !== null) refuse(`${belongs(title, managedBy)} The configuration file ${disabledBy} disabled it, so --override does not enable it.`)
  if (!override) refuse(`${belongs(title, managedBy)}${byHand ? ' It was disabled by hand: enable it with --override.' : ''}`)
}

function belongs (title: string, file: string): string {
  return `${title.charAt(0).toUpperCase()}${title.slice(1)} belongs to the configuration file ${file}. Change it in that file, and apply it with: signet apply FILE.`
}
