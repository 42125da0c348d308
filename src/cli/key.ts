import { Option, type Command } from 'commander'
import { environments, type Environment } from '../environment.ts'
import type { RotationResult } from '../keys/rotation.ts'
import type { SigningKeyRow } from '../keys/store.ts'
import { signingAlgorithms } from '../oauth/signing-algorithms.ts'
import { counted } from '../phrases.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { confirmLoss } from './confirm.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'
import { addRevokeOptions, reportRevocation, type RevokeOptions } from './revocation.ts'
import type { Session } from './session.ts'

interface RotateOptions {
  readonly environment?: Environment
  readonly algorithm?: string
  readonly now?: true
  readonly yes?: boolean
}

const columns = ['kid', 'environment', 'algorithm', 'state', 'activates_at', 'published_until']

export function addKeyCommands (program: Command, context: CommandContext): void {
  const key = program.command('key')
    .description('Signing keys of the live and the test issuer. They take over from each other by themselves.')
    .addHelpText('after', examples('signet key list', 'signet key rotate', 'signet key revoke KID'))
  addList(key, context)
  addRotate(key, context)
  addRevoke(key, context)
}

function addList (key: Command, { output, withSession }: CommandContext): void {
  key.command('list')
    .description('List all signing keys with their schedule. The active one of each algorithm signs; next and retired ones are published beside it. How many tokens of each may live is an estimate from above: the indexes that were leased for it. Private keys are never shown.')
    .addHelpText('after', examples('signet key list', 'signet key list --json'))
    .action(() => withSession(async (session) => {
      const rows = await present(session)
      await output.list(rows, [...columns, 'live_tokens'])
    }))
}

function addRotate (key: Command, { output, withSession }: CommandContext): void {
  key.command('rotate')
    .description('Let the next key take over: now, or as soon as verifiers can be expected to have it. Tokens of the key before it stay good. If a key leaked, use key revoke.')
    .addOption(new Option('--environment <environment>', 'only there').choices(environments))
    .addOption(new Option('--algorithm <algorithm>', 'only for that').choices(signingAlgorithms))
    .option('--now', 'at once: verifiers that do not have the next key yet refuse its tokens until they fetch the JWKS again')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('signet key rotate', 'signet key rotate --environment test', 'signet key rotate --now --yes'))
    .action((options: RotateOptions) => withSession(async (session) => {
      const { keyState } = await import('../keys/state.ts')
      const rows = await session.keys.readAll()
      const active = rows.filter((row) => keyState(row, rows, session.clock()) === 'active' && isMeant(row, options))
      if (active.length === 0) refuse('There is no active key of that environment and algorithm. See: signet key list')
      const atOnce = options.now === true
      if (atOnce) await confirmLoss(() => describeHaste(active, session), { yes: options.yes === true })
      const result = await session.keyRotation.rotate(active, atOnce)
      const changed = new Set([...result.activated, ...result.made].map(({ kid }) => kid))
      const families = (await present(session)).filter((each) => active.some(({ environment, algorithm }) => each['environment'] === environment && each['algorithm'] === algorithm))
      await output.list(families.map((each) => ({ changed: changed.has(String(each['kid'])), ...each })), columns)
      output.note(describeRotation(result, session.clock()))
    }))
}

function isMeant ({ environment, algorithm }: SigningKeyRow, options: RotateOptions): boolean {
  return (options.environment ?? environment) === environment && (options.algorithm ?? algorithm) === algorithm
}

function addRevoke (key: Command, { output, withSession }: CommandContext): void {
  addRevokeOptions(key.command('revoke')
    .description('Revoke a signing key for good: it signs no more, the next key takes over, introspection refuses its tokens within a second, and the JWKS drops it. ' +
      'An API that verifies tokens on its own accepts them until it fetches the JWKS again.')
    .argument('<kid>', 'as key list shows it', readReference))
    .addHelpText('after', examples('signet key revoke KID', 'signet key revoke KID --reason "the backup disk was stolen" --yes'))
    .action((kid: string, { yes = false, wait = false, reason }: RevokeOptions) => withSession(async (session) => {
      await confirmLoss(() => describeLoss(kid, session), { yes, unattended: 'proceed' })
      const { withdrawn, activated, made } = await session.keyRotation.revoke(kid, { actor: session.actor, reason })
      const changed = withdrawn.length > 0
      const row = (await present(session)).find((each) => each['kid'] === kid)
      const note = changed
        ? `the key is revoked; an API that verifies tokens on its own accepts its tokens until it fetches the JWKS again: ${await cacheMinutes()} minutes with the usual caches`
        : 'the key was revoked already; nothing was changed'
      const record = { ...row, successor: activated[0]?.kid ?? null, made: made.map((each) => each.kid).join(' ') || null }
      await reportRevocation(session, output, wait, { changed, record, tokens: { kid }, note })
    }))
}

async function present ({ keys, keyTimes, statusLists, clock }: Session): Promise<Json[]> {
  const { scheduleOf } = await import('../keys/schedule.ts')
  const [all, live] = [await keys.readAll(), await statusLists.countLiveByKey(new Date(clock()))]
  return all.map((each) => {
    const { state, activatesAt, signsUntil, publishedUntil } = scheduleOf(each, all, clock(), keyTimes)
    return {
      kid: each.kid,
      environment: each.environment,
      algorithm: each.algorithm,
      state,
      created_at: timeOf(each.createdAt),
      activates_at: timeOf(activatesAt ?? null),
      signs_until: timeOf(signsUntil ?? null),
      published_until: timeOf(publishedUntil ?? null),
      withdrawn_at: timeOf(each.withdrawnAt),
      live_tokens: live.get(each.kid) ?? 0
    }
  })
}

/** @returns undefined where verifiers can be expected to have every next key */
async function describeHaste (active: readonly SigningKeyRow[], { keys, keyTimes, clock }: Session): Promise<string | undefined> {
  const { keyState } = await import('../keys/state.ts')
  const { readyAt } = await import('../keys/plan.ts')
  const rows = await keys.readAll()
  const early = active.filter((each) => !rows.some((row) => row.environment === each.environment && row.algorithm === each.algorithm &&
    keyState(row, rows, clock()) === 'next' && readyAt(row, keyTimes) <= clock()))
  return early.length === 0 ? undefined : `Let ${counted(early.length, 'key')} sign before verifiers can be expected to have it?\nThose that fetched the JWKS earlier refuse its tokens until they fetch it again.`
}

async function describeLoss (kid: string, { keys, clock }: Session): Promise<string | undefined> {
  const { keyState } = await import('../keys/state.ts')
  const rows = await keys.readAll()
  const row = rows.find((each) => each.kid === kid) ?? refuse(`There is no signing key ${kid}. See: signet key list`)
  const state = keyState(row, rows, clock())
  if (state === 'withdrawn') return undefined
  return `Revoke the ${state} ${row.algorithm} key ${kid} of the ${row.environment} environment for good?\nEvery token that it signed is refused: clients have to get new ones.`
}

function describeRotation ({ activated, made }: RotationResult, now: number): string {
  const waits = [...activated, ...made].filter(({ activatesAt }) => activatesAt.getTime() > now && activatesAt.getUTCFullYear() < 9_999)
  if (activated.length === 0 && made.length === 0) return 'the next key has a time already, or has just taken over; nothing was changed'
  if (waits.length === 0) return 'the next key has taken over; tokens of the one before it stay good'
  const latest = new Date(Math.max(...waits.map(({ activatesAt }) => activatesAt.getTime())))
  return `the next key takes over by itself at ${latest.toISOString()}, when verifiers can be expected to have it; --now does not wait for that`
}

async function cacheMinutes (): Promise<number> {
  const { documentMaxAgeSeconds } = await import('../http/cacheable.ts')
  const { verifierCacheSeconds } = await import('../keys/state.ts')
  return (documentMaxAgeSeconds + verifierCacheSeconds) / 60
}
