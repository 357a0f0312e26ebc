import { type Fault, faultText } from '../core/fault.ts'

export const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** Faults for people, or as one JSON document. */
export const sayFaults = (faults: readonly Fault[], asJson: boolean): void => {
  if (asJson) {
    say(JSON.stringify({ ok: false, faults }, null, 2))
    return
  }
  for (const fault of faults) complain(faultText(fault))
}
