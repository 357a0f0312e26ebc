import { type Fingerprint } from '../../presets/fingerprint.ts'
import { type Cluster } from '../cluster.ts'
import { findApplications } from '../inventory/known-applications.ts'
import { sceneOf } from '../inventory/scene.ts'
import { type PolicyDraft } from './draft.ts'

/** Says in the draft of a known application which preset it can take, once it is set up for it. */
export const withPresets = (
  drafts: readonly PolicyDraft[],
  cluster: Cluster,
): readonly PolicyDraft[] => {
  const applications = findApplications(sceneOf(cluster))
  const byHost = new Map(
    applications.flatMap(({ fingerprint, backEnd }) =>
      backEnd.hosts.map((host) => [host, fingerprint] as const),
    ),
  )
  return drafts.map((draft) => {
    const known = draft.hosts.flatMap((host) => byHost.get(host) ?? [])
    const hints = [...new Set(known.flatMap(hintOf))]
    return { ...draft, comments: [...draft.comments, ...hints] }
  })
}

const hintOf = ({ title, preset }: Fingerprint): readonly string[] =>
  preset === undefined
    ? []
    : [
        `It looks like ${title}. Once it is set up as docs/migrate-inventory.md#${preset} says: app: ${preset}`,
      ]
