import { openPrimaryLink } from '../../src/edge/workers/primary-link.ts'

/** A worker that does what stands in place of its configuration. */
const link = openPrimaryLink()
const order = await link?.order
if (order?.configText === 'refuse') {
  await link?.refuse()
} else {
  link?.ready(() => Promise.resolve({ policyVersion: 'v1' }))
  if (order?.configText === 'hang') {
    // Once the message has left.
    setTimeout(() => {
      for (;;);
    }, 50)
  }
  await link?.stopped
  await link?.close({ policyVersion: 'v1' })
}
