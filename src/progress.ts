/** Tells a person what a slow step is doing: one line, no trailing newline. */
export type Progress = (line: string) => void

/** Progress goes to standard error, so that standard output stays clean for `--json`. */
export const printProgress: Progress = (line) => { process.stderr.write(`signet: ${line}\n`) }
