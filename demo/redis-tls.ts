import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCommand } from './command-path.ts'
import { freePort } from './free-port.ts'
import { type Redis, startRedisServer } from './redis.ts'

/** PEM, and the files that hold it. */
export type IssuedCertificate = {
  readonly certificate: string
  readonly key: string
  readonly certificateFile: string
  readonly keyFile: string
}

export type Authority = {
  readonly ca: string
  readonly caFile: string
  /** A certificate for `IP:127.0.0.1` or `DNS:…`; `daysLeft` below zero: it has expired. */
  readonly issue: (name: string, daysLeft?: number) => IssuedCertificate
  readonly remove: () => void
}

const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'.split(' ')
const VALID_DAYS = 2

/** A certificate authority of tests; two days are longer than any test. */
export const createAuthority = (): Authority => {
  const openssl = findCommand('openssl')
  if (openssl === undefined) throw new Error('openssl is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-authority-'))
  const run = (...args: readonly string[]): void => {
    const ended = spawnSync(openssl, args, { encoding: 'utf8', cwd: folder })
    if (ended.status !== 0) throw new Error(`openssl: ${ended.stderr.trim()}`)
  }
  const inFolder = (name: string): string => join(folder, name)
  const [caFile, caKeyFile] = [inFolder('ca.pem'), inFolder('ca-key.pem')]
  const subject = ['-subj', '/CN=authority of tests']
  run('req', '-x509', ...KEY, ...subject, ...days(VALID_DAYS), '-out', caFile, '-keyout', caKeyFile)
  let count = 0
  const issue = (name: string, daysLeft = VALID_DAYS): IssuedCertificate => {
    count += 1
    const certificateFile = inFolder(`${count}.pem`)
    const keyFile = inFolder(`${count}-key.pem`)
    const requestFile = inFolder(`${count}-request.pem`)
    const extensionFile = inFolder(`${count}-extensions`)
    writeFileSync(extensionFile, `subjectAltName=${name}\n`)
    run(
      'req',
      '-new',
      ...KEY,
      '-subj',
      '/CN=vestibule-test',
      '-out',
      requestFile,
      '-keyout',
      keyFile,
    )
    const signed = ['-CA', caFile, '-CAkey', caKeyFile, '-CAcreateserial']
    const files = ['-in', requestFile, '-extfile', extensionFile, '-out', certificateFile]
    run('x509', '-req', ...signed, ...files, ...days(daysLeft))
    return {
      certificate: readFileSync(certificateFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
      certificateFile,
      keyFile,
    }
  }
  return {
    ca: readFileSync(caFile, 'utf8'),
    caFile,
    issue,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const days = (count: number): readonly string[] => ['-days', String(count)]

/** A server that talks TLS only, and only to who has a certificate of that authority. */
export const startTlsRedis = async (
  { caFile }: Authority,
  { certificateFile, keyFile }: IssuedCertificate,
  config: readonly string[] = [],
): Promise<Redis> => {
  const port = await freePort()
  const server = await startRedisServer({
    port,
    config: [
      'port 0',
      `tls-port ${port}`,
      `tls-cert-file ${certificateFile}`,
      `tls-key-file ${keyFile}`,
      `tls-ca-cert-file ${caFile}`,
      'tls-auth-clients yes',
      ...config,
    ],
  })
  return { ...server, url: `rediss://127.0.0.1:${port}` }
}
