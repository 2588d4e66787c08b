/**
 * Stands in for `pulumi-resource-tls` 5.6.1: RSA keys and self-signed certificates for them.
 * Left out: other algorithms, certificate requests, certificates signed by a CA, alternative names.
 */
import type { Provider, ResourceType } from "../core/provider.ts";
import { privateKey } from "./privateKey.ts";
import { selfSignedCert } from "./selfSignedCert.ts";

const RESOURCES: Partial<Record<string, ResourceType>> = {
  "tls:index/privateKey:PrivateKey": privateKey,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
};

/** The provider. */
export const tlsProvider: Provider = {
  name: "tls",
  version: "5.6.1",
  functions: {},
  resource: (type) => RESOURCES[type],
};
