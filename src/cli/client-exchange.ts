/** Which resources a client may exchange tokens for, as it is typed: options of create and update. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Client } from '../clients/client.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { Resource } from '../resources/resource.ts'
import { readReference } from './arguments.ts'
import { findResource } from './find.ts'
import type { Session } from './session.ts'

export interface ExchangeOptions {
  readonly exchangeResource?: readonly string[]
  readonly addExchangeResource?: readonly string[]
  readonly removeExchangeResource?: readonly string[]
}

/** Called once for each. */
function readReferences (text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...previous ?? [], readReference(text)]
}

/** Likewise; `none` alone takes all of them away. */
function readReferencesOrNone (text: string, previous: readonly string[] | undefined): readonly string[] {
  if (text === 'none' && previous === undefined) return []
  if (text === 'none' || previous?.length === 0) throw new InvalidArgumentError('It takes resources, or none alone.')
  return readReferences(text, previous)
}

export function addExchangeOptions (command: Command, verb: 'create' | 'update'): Command {
  const [flags, meaning] = ['--exchange-resource <resource>', 'a resource that it may exchange tokens for, besides the one that it stands for'] as const
  if (verb === 'create') return command.option(flags, `${meaning}; may be repeated`, readReferences)
  return command
    .addOption(new Option(flags, `${meaning}, from now on; may be repeated; none for none`).argParser(readReferencesOrNone).conflicts(['addExchangeResource', 'removeExchangeResource']))
    .option('--add-exchange-resource <resource>', 'a resource that it may exchange tokens for besides; may be repeated', readReferences)
    .option('--remove-exchange-resource <resource>', 'a resource that it may not exchange tokens for any more; may be repeated', readReferences)
}

/**
 * @returns ids; undefined when nothing was named
 * @throws OperatorError for a resource that does not exist, or that is to be added and removed
 */
export async function chosenExchangeResources ({ exchangeResources: before }: Pick<Client, 'exchangeResources'>, options: ExchangeOptions, session: Session): Promise<readonly string[] | undefined> {
  const [chosen, added, removed] = await Promise.all([options.exchangeResource, options.addExchangeResource, options.removeExchangeResource].map((named) => findAll(named, session)))
  if (chosen !== undefined) return idsOf(chosen)
  if (added === undefined && removed === undefined) return undefined
  const contradictory = (added ?? []).filter(({ id }) => idsOf(removed ?? []).includes(id))
  if (contradictory.length > 0) throw new OperatorError(`--add-exchange-resource and --remove-exchange-resource both name ${contradictory.map(({ identifier }) => identifier).join(', ')}: decide on one.`, { exitCode: exitCodes.usage })
  return [...new Set([...before, ...idsOf(added ?? [])])].filter((id) => !idsOf(removed ?? []).includes(id)).sort()
}

async function findAll (named: readonly string[] | undefined, session: Session): Promise<readonly Resource[] | undefined> {
  if (named === undefined) return undefined
  const found: Resource[] = []
  for (const each of named) found.push(await findResource(session, each))
  return found
}

function idsOf (resources: readonly Resource[]): readonly string[] {
  return [...new Set(resources.map(({ id }) => id))].sort()
}
