import { z } from 'zod'

export const text = z.string().min(1, 'is empty. Write a value or remove the key')
export const secretFile = text.describe(
  'Path of a mounted file; a trailing newline does not count.',
)
