import { REASONS } from '../../core/reason.ts'

const ALL: ReadonlySet<string> = new Set(Object.values(REASONS).flatMap(Object.keys))

export const isReason = (text: string): boolean => ALL.has(text)
