import { type Fault } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { readManifests, STANDARD_INPUT } from '../edge/manifests/read-manifests.ts'
import { type Cluster, clusterOf } from '../migrate/cluster.ts'
import { complain } from './terminal.ts'

export type ManifestsInput = {
  readonly cluster: Cluster
  /** What could not be read although it was named; empty unless the command keeps going. */
  readonly unread: readonly Fault[]
  /** Documents of folders that are no Kubernetes objects. */
  readonly passedOver: readonly Fault[]
}

/** For the help of a command that reads manifests. */
export const MANIFESTS_HELP = `  FILE|DIR|-      manifests, or what kubectl get -o yaml or -o json printed; several may be
                  named. Without any, standard input is read
  --keep-going    leave out what cannot be read, say so, and work with the rest`

/**
 * Reads what the command line names. Half a cluster looks safer than a whole one, so a part that
 * cannot be read ends the command, unless it was told to keep going.
 */
export const readManifestsInput = async (
  places: readonly string[],
  keepGoing: boolean,
): Promise<Result<ManifestsInput, readonly Fault[]>> => {
  if (places.length === 0 && process.stdin.isTTY) {
    complain('Reading manifests from the terminal; end with Ctrl-D, or name a file.')
  }
  const named = places.length === 0 ? [STANDARD_INPUT] : places
  const { objects, faults, passedOver } = await readManifests(named, process.stdin)
  if (faults.length > 0 && !keepGoing) return fail(faults)
  return ok({ cluster: clusterOf(objects), unread: faults, passedOver })
}
