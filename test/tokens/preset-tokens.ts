import { nowSeconds } from '../attacks/support-bearer.ts'

type Members = Readonly<Record<string, unknown>>

/** A token as the real issuer makes it: every member that it has, with names of nobody. */
export type RealToken = { readonly header: Members; readonly claims: Members }

const lasting = (seconds: number): Members => {
  const now = nowSeconds()
  return { iat: now, nbf: now, exp: now + seconds }
}

export const serviceAccountToken = (): RealToken => ({
  header: { alg: 'RS256', kid: 'k8s' },
  claims: {
    aud: ['vestibule'],
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: '7b0c3c5e-4f0f-4a5a-9f6e-0d6a6a1c0001',
    'kubernetes.io': {
      namespace: 'batch',
      node: { name: 'node-1', uid: 'e3a1c6a2-0000-4000-8000-000000000001' },
      pod: { name: 'nightly-29000000-abcde', uid: 'e3a1c6a2-0000-4000-8000-000000000002' },
      serviceaccount: { name: 'nightly', uid: 'e3a1c6a2-0000-4000-8000-000000000003' },
    },
    sub: 'system:serviceaccount:batch:nightly',
    ...lasting(3607),
  },
})

export const githubToken = (): RealToken => ({
  header: { typ: 'JWT', alg: 'RS256', x5t: 'hsbVxN7pVQ0w0000000000000000', kid: 'github' },
  claims: {
    jti: '0f5b6a2e-0000-4000-8000-000000000001',
    sub: 'repo:example/shop:environment:production',
    aud: 'vestibule',
    ref: 'refs/heads/main',
    sha: '0123456789abcdef0123456789abcdef01234567',
    repository: 'example/shop',
    repository_owner: 'example',
    repository_owner_id: '1001',
    run_id: '1234567890',
    run_number: '42',
    run_attempt: '1',
    repository_visibility: 'private',
    repository_id: '2002',
    actor_id: '3003',
    actor: 'ada',
    workflow: 'deploy',
    head_ref: '',
    base_ref: '',
    event_name: 'push',
    ref_protected: 'true',
    ref_type: 'branch',
    workflow_ref: 'example/shop/.github/workflows/deploy.yml@refs/heads/main',
    workflow_sha: '0123456789abcdef0123456789abcdef01234567',
    job_workflow_ref: 'example/shop/.github/workflows/deploy.yml@refs/heads/main',
    job_workflow_sha: '0123456789abcdef0123456789abcdef01234567',
    runner_environment: 'github-hosted',
    environment: 'production',
    environment_node_id: 'EN_kwDO0000000000',
    iss: 'https://token.actions.githubusercontent.com',
    ...lasting(300),
    // The real one may be used a little before it was made.
    nbf: nowSeconds() - 600,
  },
})

export const gitlabToken = (): RealToken => ({
  header: { kid: 'gitlab', typ: 'JWT', alg: 'RS256' },
  claims: {
    namespace_id: '77',
    namespace_path: 'example',
    project_id: '4242',
    project_path: 'example/lib',
    user_id: '9',
    user_login: 'ada',
    user_email: 'ada@example.com',
    user_access_level: 'maintainer',
    pipeline_id: '574',
    pipeline_source: 'push',
    job_id: '302',
    ref: 'v1.2.0',
    ref_type: 'tag',
    ref_path: 'refs/tags/v1.2.0',
    ref_protected: 'true',
    groups_direct: ['example'],
    runner_id: 1,
    runner_environment: 'gitlab-hosted',
    sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
    project_visibility: 'private',
    ci_config_ref_uri: 'gitlab.com/example/lib//.gitlab-ci.yml@refs/tags/v1.2.0',
    ci_config_sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
    jti: '235b3a54-b797-45c7-ae9a-f72d7bc6ef5b',
    iss: 'https://gitlab.com',
    sub: 'project_path:example/lib:ref_type:tag:ref:v1.2.0',
    aud: 'vestibule',
    ...lasting(3600),
  },
})

export const svid = (): RealToken => ({
  header: { alg: 'ES256', kid: 'svid', typ: 'JWT' },
  claims: {
    aud: ['vestibule'],
    exp: nowSeconds() + 300,
    iat: nowSeconds(),
    sub: 'spiffe://prod.example.com/ns/shop/sa/checkout',
  },
})

export const googleToken = (): RealToken => ({
  header: { alg: 'RS256', kid: 'google', typ: 'JWT' },
  claims: {
    iss: 'https://accounts.google.com',
    azp: '112233445566778899001',
    aud: 'https://reports.example.com',
    sub: '112233445566778899001',
    email: 'exporter@example-data.iam.gserviceaccount.com',
    email_verified: true,
    google: {
      compute_engine: {
        instance_creation_timestamp: 1_700_000_000,
        instance_id: '1234567890123456789',
        instance_name: 'exporter-1',
        project_id: 'example-data',
        project_number: 123_456_789_012,
        zone: 'europe-west1-b',
      },
    },
    iat: nowSeconds(),
    exp: nowSeconds() + 3600,
  },
})

export const TENANT = '11111111-2222-3333-4444-555555555555'

/** Of an application for itself (client credentials). */
export const entraToken = (): RealToken => ({
  header: { typ: 'JWT', alg: 'RS256', kid: 'entra' },
  claims: {
    aud: '66666666-7777-8888-9999-000000000000',
    iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    ...lasting(3900),
    aio: 'E2RgYGi2AAAA',
    azp: 'dddddddd-0000-0000-0000-000000000001',
    azpacr: '1',
    oid: 'aaaaaaaa-0000-0000-0000-000000000001',
    rh: '0.AAAA.',
    roles: ['Orders.Import'],
    sub: 'aaaaaaaa-0000-0000-0000-000000000001',
    tid: TENANT,
    uti: 'AAAAAAAAAAAAAAAAAAAAAA',
    ver: '2.0',
  },
})
