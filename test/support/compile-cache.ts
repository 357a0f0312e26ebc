import { resolve } from 'node:path'

/** For commands in processes of their own: what was compiled for one is at hand for the next. */
export const compileCache: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../node_modules/.cache/node-compile'),
}
