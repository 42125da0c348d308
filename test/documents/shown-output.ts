/** Compares what a document shows with what really came: `…` stands for what differs from run to run. */

/** @returns the pattern that the shown text is; spaces count as one, because columns are as wide as their contents */
export function shownPattern (shown: string): RegExp {
  const pattern = normalize(shown).split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*?')
  return new RegExp(`^${pattern}$`)
}

export function normalize (text: string): string {
  return text.replace(/[ \t]+/g, ' ').split('\n').map((line) => line.trim()).join('\n').trim()
}
