import { type Toolbox } from '../../core/policy/criterion.ts'
import { compileRanges } from './address-ranges.ts'
import { readCertificate } from './certificates.ts'
import { compileExpression } from './expressions.ts'

/** What compiling policies needs of the world. */
export const TOOLBOX: Toolbox = { compileRanges, compileExpression, readCertificate }
