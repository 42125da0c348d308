/** One process at a time, across processes that know nothing of each other but a folder. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const nameTimeMilliseconds = 5_000

/**
 * Does the work while holding the lock, and lets go of it whichever way the process ends, short of kill -9, after
 * which the next one takes it over.
 * @param {string} folder made to take the lock; its parent must exist
 * @param {{ longestWaitSeconds: number, onWait: () => void, onTimeout: () => never }} options
 * @param {() => Promise<void>} work
 */
export async function withLock (folder, { longestWaitSeconds, onWait, onTimeout }, work) {
  const begin = performance.now()
  let told = false
  while (!take(folder)) {
    if (performance.now() - begin > longestWaitSeconds * 1000) onTimeout()
    if (!told) onWait()
    told = true
    await pause(200)
  }
  const release = () => { rmSync(folder, { recursive: true, force: true }) }
  process.once('exit', release)
  try {
    await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

/** A folder can be made by one process only; the file in it says by which. */
function take (folder) {
  try {
    mkdirSync(folder)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    removeStale(folder)
    return false // whoever removed it competes for the new one like everybody else
  }
  writeFileSync(join(folder, String(process.pid)), '')
  return true
}

function removeStale (folder) {
  try {
    const [holder] = readdirSync(folder)
    const ageMilliseconds = Date.now() - statSync(folder).mtimeMs
    const isStale = holder === undefined ? ageMilliseconds > nameTimeMilliseconds : holder === String(process.pid) || !isRunning(Number(holder)) // in a container pids come again
    if (!isStale) return
    const aside = `${folder}.${process.pid}`
    renameSync(folder, aside)
    if (readdirSync(aside)[0] !== holder) renameSync(aside, folder) // somebody took it at this very moment
    rmSync(aside, { recursive: true, force: true })
  } catch {
    // Its holder, or another one who waits, was quicker.
  }
}

function isRunning (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
