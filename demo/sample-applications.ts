import { type Application, type ApplicationSettings, startApplication } from './applications.ts'
import type { Cleanup } from './cleanup.ts'

export type SampleApplications = ReadonlyMap<string, Application>

const settingsOf = (
  url: (name: string, path?: string) => string,
  jwksUrl: string,
): readonly ApplicationSettings[] => {
  const links = {
    Grafana: url('grafana'),
    Wiki: url('wiki'),
    API: url('api'),
    'Sign out': url('auth', '/oauth2/sign_out'),
  }
  return [
    {
      name: 'grafana',
      title: 'Grafana (sample)',
      accent: '#e8772e',
      about:
        'For SRE; developers may look at dashboards below /d; /admin is for the platform team.',
      links: { Dashboards: '/d/latency', Administration: '/admin', ...links },
      jwksUrl,
    },
    {
      name: 'wiki',
      title: 'Wiki (sample)',
      accent: '#2f9e6e',
      about: 'For everybody who is signed in; /public is for everybody.',
      links: { 'Public page': '/public/welcome', ...links },
      jwksUrl,
    },
    {
      name: 'api',
      title: 'API (sample)',
      accent: '#2f7de1',
      about: 'For the pipeline, with a bearer token, and for SRE.',
      links,
      jwksUrl,
    },
  ]
}

/** The three applications that the Ingresses in `ingresses/` lead to, by the name of their Service. */
export const startSampleApplications = async (
  url: (name: string, path?: string) => string,
  jwksUrl: string,
  cleanup: Cleanup,
): Promise<SampleApplications> => {
  const applications = new Map<string, Application>()
  for (const settings of settingsOf(url, jwksUrl)) {
    const application = await startApplication(settings)
    cleanup.add(application.stop)
    applications.set(application.name, application)
  }
  return applications
}
