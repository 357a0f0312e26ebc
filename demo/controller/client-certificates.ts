import type { Location, Server } from './locations.ts'
import { type Lines, when } from './nginx-text.ts'

export type ClientCas = {
  /** Secret `namespace/name` of `auth-tls-secret` → file with the CA that signs clients. */
  readonly clientCas?: Readonly<Record<string, string>>
}

/** The controller asks for certificates by server: any Ingress of the host decides for all. */
export const clientCertificateDirectives = (
  { locations }: Server,
  { clientCas = {} }: ClientCas,
): Lines => {
  const tls = locations.map(({ annotations }) => annotations.clientTls).find(Boolean)
  if (tls === undefined) return []
  const file = clientCas[tls.secret]
  if (file === undefined) throw new Error(`no file is given for ${tls.secret} of auth-tls-secret`)
  return [
    `ssl_client_certificate ${file};`,
    `ssl_verify_client ${tls.verify};`,
    'ssl_verify_depth 1;',
  ]
}

/** What the auth service is told of the client's certificate, whatever the client says itself. */
export const clientCertificateHeaders = ({ annotations }: Location): Lines =>
  annotations.clientTls === undefined
    ? []
    : [
        ...when(annotations.clientTls.passesCertificate, [
          'proxy_set_header ssl-client-cert $ssl_client_escaped_cert;',
        ]),
        'proxy_set_header ssl-client-verify $ssl_client_verify;',
        'proxy_set_header ssl-client-subject-dn $ssl_client_s_dn;',
        'proxy_set_header ssl-client-issuer-dn $ssl_client_i_dn;',
      ]
