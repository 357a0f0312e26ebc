import { type Fingerprint } from '../../presets/fingerprint.ts'
import { FINGERPRINTS } from '../../presets/fingerprints.ts'
import { type ClusterObject, type Place, placeIn } from '../cluster-object.ts'
import { type IngressView } from '../views/ingress.ts'
import { type BackEnd, backEndsOf } from './back-ends.ts'
import { type Scene } from './scene.ts'

export type Application = {
  readonly fingerprint: Fingerprint
  readonly backEnd: BackEnd
  readonly place: Place
  /** By what it was recognised. */
  readonly by: string
  /** By its image, or by its very name where its pods were not read: names are free to choose. */
  readonly isSure: boolean
}

const known = new WeakMap<Scene, readonly Application[]>()

export const findApplications = (scene: Scene): readonly Application[] => {
  const found =
    known.get(scene) ?? backEndsOf(scene).flatMap((each) => recognise(scene, each) ?? [])
  known.set(scene, found)
  return found
}

/** Whoever wants to sign in has to reach these first, so nothing may ask who it is before them. */
const DOORS: ReadonlySet<string> = new Set([
  'authelia',
  'dex',
  'keycloak',
  'oauth2-proxy',
  'vestibule',
])

const knownDoors = new WeakMap<Scene, ReadonlySet<string>>()

const doorsOf = (scene: Scene): ReadonlySet<string> => {
  const doors =
    knownDoors.get(scene) ??
    new Set(
      findApplications(scene)
        .filter(({ fingerprint, isSure }) => isSure && DOORS.has(fingerprint.id))
        .map(({ backEnd }) => `${backEnd.namespace}/${backEnd.name}`),
    )
  knownDoors.set(scene, doors)
  return doors
}

/** An Ingress that leads to such applications only. */
export const isDoor = (scene: Scene, ingress: IngressView): boolean => {
  const doors = doorsOf(scene)
  const { namespace, paths, defaultService } = ingress
  const services = [
    ...paths.map(({ service }) => service ?? defaultService),
    ...(defaultService === undefined ? [] : [defaultService]),
  ]
  return (
    services.length > 0 &&
    services.every((service) => doors.has(`${namespace}/${service?.name ?? ''}`))
  )
}

/** Images say most; labels and names are what charts and people chose. */
const recognise = (scene: Scene, backEnd: BackEnd): Application | undefined =>
  recogniseImage(backEnd) ?? recogniseName(scene, backEnd)

const recogniseImage = (backEnd: BackEnd): Application | undefined => {
  for (const { object, containers } of backEnd.workloads) {
    for (const { image, at } of containers) {
      const fingerprint = byImage(image)
      if (fingerprint === undefined) continue
      const place = placeIn(object, ...at, 'image')
      return { fingerprint, backEnd, place, by: `image ${imageName(image)}`, isSure: true }
    }
  }
  return undefined
}

const recogniseName = (scene: Scene, backEnd: BackEnd): Application | undefined => {
  for (const name of namesOf(backEnd)) {
    const fingerprint = byName(name)
    const object = fingerprint === undefined ? undefined : anyObject(scene, backEnd)
    if (fingerprint === undefined || object === undefined) continue
    const isSure = backEnd.workloads.length === 0 && fingerprint.names.includes(name)
    return { fingerprint, backEnd, place: placeIn(object), by: `the name ${name}`, isSure }
  }
  return undefined
}

const namesOf = ({ workloads, service, name }: BackEnd): readonly string[] =>
  [
    ...workloads.flatMap(({ podLabels }) => [
      podLabels['app.kubernetes.io/name'],
      podLabels['app'],
    ]),
    service?.object.labels['app.kubernetes.io/name'],
    name,
  ].filter((each) => each !== undefined)

/** The Service, else what makes its pods, else the Ingress that leads to it. */
const anyObject = (scene: Scene, backEnd: BackEnd): ClusterObject | undefined =>
  backEnd.service?.object ??
  scene.ingresses.find(
    ({ namespace, paths }) =>
      namespace === backEnd.namespace &&
      paths.some(({ service }) => service?.name === backEnd.name),
  )?.object

/** Without registry, tag and digest. */
const imageName = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '')

const byImage = (image: string): Fingerprint | undefined => {
  const name = imageName(image)
  return FINGERPRINTS.find(({ images }) =>
    images.some((each) => name === each || name.endsWith(`/${each}`)),
  )
}

/** The longest name that it is, or begins with before a dash: `grafana-internal` is a Grafana. */
const byName = (name: string): Fingerprint | undefined =>
  FINGERPRINTS.flatMap((fingerprint) =>
    fingerprint.names
      .filter((each) => name === each || name.startsWith(`${each}-`))
      .map((each) => ({ fingerprint, length: each.length })),
  ).toSorted((one, other) => other.length - one.length)[0]?.fingerprint
