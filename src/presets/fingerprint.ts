/** How an application is recognised, and what it means to whoever moves it behind the gate. */
export type Fingerprint = {
  readonly id: string
  readonly title: string
  /** Last parts of image names, without registry and tag: `grafana/grafana`, or `grafana`. */
  readonly images: readonly string[]
  /** Names of charts and Services, and values of `app` labels; whole, or before a dash. */
  readonly names: readonly string[]
  /** For `app:` in the policy; undefined where no preset is needed or none fits. */
  readonly preset: string | undefined
  /**
   * What somebody who gets in can do: `high` runs code, reads secrets or changes production, `medium`
   * reads what is internal, `low` little.
   */
  readonly weight: 'high' | 'medium' | 'low'
  readonly advice: string
}

/** One whose application takes no identity from a gate. */
export const simpleFingerprint = ([id, title, images, names, weight, advice]: readonly [
  id: string,
  title: string,
  images: readonly string[],
  names: readonly string[],
  weight: Fingerprint['weight'],
  advice: string,
]): Fingerprint => ({ id, title, images, names, preset: undefined, weight, advice })
