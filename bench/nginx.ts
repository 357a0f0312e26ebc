import { readIngresses } from '../demo/controller/ingress.ts'
import { CLUSTER_NAME, DOMAIN } from '../demo/world.ts'
import { type Bare, startBare } from './bare.ts'
import { type Comparison, compare } from './compare.ts'
import { signedInWorld } from './signed-in.ts'

export type NginxOptions = { readonly rounds: number; readonly seconds: number }

const YARDSTICK = `yardstick.${DOMAIN}`
const YARDSTICK_NAME = 'yardstick.bench.svc.cluster.local:8080'

/**
 * A whole request: nginx, its auth subrequest, and an application that echoes nothing. The yardstick
 * is the same nginx with an auth server that says 204 to everybody.
 */
export const benchNginx = async (
  { rounds, seconds }: NginxOptions,
  say: (line: string) => void,
): Promise<readonly Comparison[]> => {
  const who = await signedInWorld()
  const application = await startBare(['Content-Length', '0'])
  const yes = await startBare(['Content-Length', '0'], 204)
  try {
    const { world } = who
    await world.controller.reload(settingsFor(world.ports, application, yes))
    const { Cookie = '' } = who.headers
    const loadOf = (host: string) => ({
      url: `http://127.0.0.1:${world.ports.nginx}/api/dashboards/home`,
      headers: { Host: `${host}:${world.ports.nginx}`, Cookie },
      reconnect: false,
      seconds,
      connections: 32,
    })
    const scenario = 'through nginx'
    say(`${scenario}: ${rounds} rounds of ${seconds} s for each`)
    return [
      await compare({
        scenario,
        verify: { load: loadOf(`grafana.${DOMAIN}`), usage: who.usage },
        bare: { load: loadOf(YARDSTICK), usage: yes.usage },
        rounds,
      }),
    ]
  } finally {
    application.stop()
    yes.stop()
    await who.stop()
  }
}

/** The Ingress of the demonstration, and the same with another auth server. */
const settingsFor = (
  ports: { readonly verify: number; readonly public: number; readonly nginx: number },
  application: Bare,
  yes: Bare,
) => {
  const folder = `${import.meta.dirname}/../demo/ingresses`
  const all = readIngresses(folder)
  const guarded = all.filter(({ metadata }) => metadata.name === 'grafana')
  const unguarded = readIngresses(folder, (yaml) =>
    yaml
      .replaceAll(CLUSTER_NAME, YARDSTICK_NAME)
      .replaceAll(`grafana.${DOMAIN}`, YARDSTICK)
      .replaceAll('name: grafana', 'name: yardstick'),
  ).filter(({ metadata }) => metadata.name === 'yardstick')
  const address = new URL(application.url).host
  return {
    ingresses: [...guarded, ...unguarded],
    services: {
      'vestibule-public': `127.0.0.1:${ports.public}`,
      grafana: address,
      yardstick: address,
    },
    clusterNames: {
      [CLUSTER_NAME]: `127.0.0.1:${ports.verify}`,
      [YARDSTICK_NAME]: new URL(yes.url).host,
    },
  }
}
