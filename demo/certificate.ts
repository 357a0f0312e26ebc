import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCommand } from './command-path.ts'

export type Certificate = {
  readonly certificateFile: string
  readonly keyFile: string
  /** PEM, for clients that shall trust it. */
  readonly certificate: string
  readonly remove: () => void
}

/** A self-signed certificate for tests over https; two days are longer than any test. */
export const createCertificate = (hosts: readonly string[]): Certificate => {
  const openssl = findCommand('openssl')
  if (openssl === undefined) throw new Error('openssl is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-certificate-'))
  const certificateFile = join(folder, 'certificate.pem')
  const keyFile = join(folder, 'key.pem')
  const names = hosts.map((host) => `DNS:${host}`).join(',')
  const command =
    'req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=vestibule-test'
  const files = ['-keyout', keyFile, '-out', certificateFile]
  const made = spawnSync(
    openssl,
    [...command.split(' '), '-addext', `subjectAltName=${names}`, ...files],
    { encoding: 'utf8' },
  )
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  if (made.status !== 0) {
    remove()
    throw new Error(`openssl: ${made.stderr.trim()}`)
  }
  return { certificateFile, keyFile, certificate: readFileSync(certificateFile, 'utf8'), remove }
}
