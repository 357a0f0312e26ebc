import { type Criterion, found } from '../criterion.ts'

export const corsPreflight: Criterion = {
  name: 'cors_preflight',
  argument: 'none',
  proves: 'nothing',
  summary:
    'A CORS preflight: OPTIONS with Origin and Access-Control-Request-Method. Browsers send it without any credential.',
  example: '{ cors_preflight: true }',
  compile:
    () =>
    ({ request }) =>
      found(request.isPreflight && request.method === 'OPTIONS'),
}
