import { type Leftover, placeText, type Translation } from '../migrate/translate/draft.ts'
import { draftFileName, draftText } from '../migrate/translate/draft-text.ts'
import { printable } from './printable.ts'

export const translateJson = ({ drafts, leftovers }: Translation): string =>
  JSON.stringify(
    {
      ok: leftovers.length === 0,
      policies: drafts.map((draft) => ({
        file: draftFileName(draft),
        hosts: draft.hosts,
        text: draftText(draft),
      })),
      leftovers: leftovers.map(leftoverJson),
    },
    null,
    2,
  )

/** An object knows more of its place than people look for. */
export const leftoverJson = ({ origin: { file, line }, what, why }: Leftover): object => ({
  file,
  line,
  what,
  why,
})

export const translateText = (
  { drafts, leftovers }: Translation,
  out: string | undefined,
): string =>
  [
    ...(out === undefined
      ? drafts.map((draft) => `# ----- ${draftFileName(draft)}\n${draftText(draft)}`)
      : drafts.map((draft) => `${out}/${draftFileName(draft)}`)),
    '',
    ...(leftovers.length === 0 ? [] : ['Not carried over, or not as it was:']),
    ...leftovers.map(leftoverText),
    ...(leftovers.length === 0 ? [] : ['']),
    summary(drafts.length, out),
  ].join('\n')

const leftoverText = ({ origin, what, why }: Leftover): string =>
  `  ${printable(placeText(origin))}: ${printable(what)}: ${why}.`

const summary = (count: number, out: string | undefined): string => {
  if (count === 0)
    return 'No host was found. Name manifests with Ingresses, or the file with the rules.'
  return out === undefined
    ? `${count} policies. Write them to a folder with --out.`
    : `${count} policies. Fill in what says TODO, then: vestibule policy lint ${out}`
}
