import { freePort } from './free-port.ts'

export type Ports = {
  readonly nginx: number
  readonly identityProvider: number
  readonly verify: number
  readonly public: number
  readonly ops: number
}

export const DEFAULT_PORTS: Ports = {
  nginx: 8000,
  identityProvider: 8090,
  verify: 8080,
  public: 8081,
  ops: 9090,
}

const NAMES = ['nginx', 'identityProvider', 'verify', 'public', 'ops'] as const

const anotherPort = async (wanted: number, taken: ReadonlySet<number>): Promise<number> => {
  let port = await freePort(wanted)
  while (taken.has(port)) port = await freePort(wanted === 0 ? 0 : port + 1)
  return port
}

/** A port for each listener: the wanted one or the next that is free, and any for 0. */
export const choosePorts = async (
  wanted: Partial<Ports> = {},
  onBusy?: (name: string, wanted: number, found: number) => void,
): Promise<Ports> => {
  const chosen = { ...DEFAULT_PORTS, ...wanted }
  const taken = new Set<number>()
  for (const name of NAMES) {
    const asked = chosen[name]
    const found = await anotherPort(asked, taken)
    if (asked !== 0 && found !== asked) onBusy?.(name, asked, found)
    taken.add(found)
    chosen[name] = found
  }
  return chosen
}
