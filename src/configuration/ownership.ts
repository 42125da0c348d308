/** Whose a row is, and who disabled it: what a file may take over, and what it may enable again. */
import { quoted } from './words.ts'

interface Owned {
  readonly managedBy: string | null
}

interface Disableable extends Owned {
  readonly disabledAt: Date | null
  readonly disabledBy: string | null
}

export function belongsToAnother (row: Owned | undefined, file: string): boolean {
  return row !== undefined && row.managedBy !== null && row.managedBy !== file
}

export function otherOwner (row: Owned): string {
  return `The configuration file ${quoted(row.managedBy ?? '')} owns it. Remove it there and apply that file with --release, or remove it here.`
}

export function takenOver (row: Owned): readonly string[] {
  return row.managedBy === null ? ['taken over by the file'] : []
}

/** What this file did not disable, no file that makes it anew may bring back. */
export function isStoppedByHand ({ disabledAt, disabledBy }: Pick<Disableable, 'disabledAt' | 'disabledBy'>, file: string): boolean {
  return disabledAt !== null && disabledBy !== file
}

interface Settled {
  readonly disabledAt: Date | null
  readonly disabledBy: string | null
  readonly turned: 'off' | 'on' | undefined
  /** The file wants it enabled, and somebody disabled it by hand. */
  readonly isHeld: boolean
}

/** A file enables again what it disabled itself, and nothing else. */
export function settle (current: Disableable | undefined, wantsDisabled: boolean, file: string, now: number): Settled {
  const { disabledAt = null, disabledBy = null } = current ?? {}
  if (wantsDisabled) {
    return disabledAt === null
      ? { disabledAt: new Date(now), disabledBy: file, turned: 'off', isHeld: false }
      : { disabledAt, disabledBy, turned: undefined, isHeld: false }
  }
  if (disabledAt === null) return { disabledAt: null, disabledBy: null, turned: undefined, isHeld: false }
  return disabledBy === file
    ? { disabledAt: null, disabledBy: null, turned: 'on', isHeld: false }
    : { disabledAt, disabledBy, turned: undefined, isHeld: true }
}

export function heldWarning (what: string): string {
  return `${what} was disabled by hand and stays so: the file does not enable it. Enable it by hand, or write disabled: true.`
}
