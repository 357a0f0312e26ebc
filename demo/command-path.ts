import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian keeps daemons here, and an ordinary user's PATH leaves these folders out. */
const SYSTEM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/opt/homebrew/bin',
  '/Applications/Chromium.app/Contents/MacOS',
  '/Applications/Google Chrome.app/Contents/MacOS',
]

/** Names under which distributions install the browser. */
export const CHROMIUM_NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'Chromium',
  'Google Chrome',
]

const MODULE_FOLDERS = [
  '/usr/lib/nginx/modules',
  '/usr/lib64/nginx/modules',
  '/usr/share/nginx/modules',
]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Where a command is, looked up in PATH and in the system folders. */
export const findCommand = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)

export const findChromium = (): string | undefined =>
  CHROMIUM_NAMES.map(findCommand).find((path) => path !== undefined)

/** Where a dynamic module of nginx is, for example `ngx_http_set_misc_module.so`. */
export const findNginxModule = (file: string): string | undefined =>
  MODULE_FOLDERS.map((folder) => join(folder, file)).find((path) => existsSync(path))
