#!/usr/bin/env node
import { runCli } from './commands/cli.ts'

// Whoever reads the output may stop reading (`| head`); that is no error of ours.
process.stdout.on('error', () => undefined)

process.exitCode = await runCli(process.argv.slice(2), process.env)
