import { X509Certificate } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ownFields, ownLabels } from "../core/names.ts";
import { hashedNames } from "../core/cluster/ownObjects.ts";
import { guard } from "./guard.ts";
import { ownChildOf, type OwnerArgs } from "./options.ts";

export interface SigningKeyArgs extends OwnerArgs {
  readonly namespace: pulumi.Input<string>;
  /** The certificate's common name, at most 64 characters; `modinfo -F signer` shows it. */
  readonly subject: string;
  /** Whether Pulumi refuses to delete the key pair. */
  readonly protect: boolean;
  /** PEMs of an existing pair, checked by the configuration; absent: a pair is generated, and kept in state. */
  readonly existing?: { readonly key: pulumi.Output<string>; readonly certificate: string };
}

/** The key pair that signs the kernel modules, and the two Secrets that KMM reads it from. */
export class SigningKey extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:SigningKey";

  /** The certificate in PEM: public, and what each node must trust. */
  readonly certificate: pulumi.Output<string>;
  /** SHA-256 of the certificate's DER, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: pulumi.Output<string>;
  /** Whether the engine refuses to delete the pair. */
  readonly isProtected: boolean;
  /** Names of the Secrets, which change with the certificate. */
  readonly keySecret: pulumi.Output<string>;
  readonly certSecret: pulumi.Output<string>;

  constructor(name: string, args: SigningKeyArgs, options: pulumi.ComponentResourceOptions) {
    super(SigningKey.type, name, {}, options);

    this.isProtected = args.existing === undefined && args.protect;
    const pair = args.existing ?? generatedPair(name, args, this);
    this.certificate = pulumi.output(pair.certificate);
    this.fingerprint = this.certificate.apply((pem) => new X509Certificate(pem).fingerprint256);

    // A new name rather than new data under the old one: a running build keeps the pair that it started with.
    const suffix = this.fingerprint.apply((fingerprint) => fingerprint.replaceAll(":", "").slice(0, 12).toLowerCase());
    const key = this.#secret(name, args, { data: "key", suffix, pem: pair.key });
    const cert = this.#secret(name, args, { data: "cert", suffix, pem: this.certificate });
    this.keySecret = key.metadata.name;
    this.certSecret = cert.metadata.name;
    guard(name, { ...args, keyIsProtected: this.isProtected }, [key, cert], this);

    this.registerOutputs({ certificate: this.certificate, fingerprint: this.fingerprint });
  }

  /** KMM's `sign-file` reads data key `key` from one Secret and `cert` from the other. */
  #secret(name: string, args: SigningKeyArgs, content: SecretContent): k8s.core.v1.Secret {
    return new k8s.core.v1.Secret(
      `${name}-${content.data}`,
      {
        metadata: {
          name: pulumi.interpolate`${hashedNames[`signing-${content.data}`]}${content.suffix}`,
          namespace: args.namespace,
          labels: ownLabels(args.stack),
          annotations: ownFields(args.stack),
        },
        stringData: { [content.data]: content.pem },
      },
      ownChildOf(this, args.remade[`signing-${content.data}`]),
    );
  }
}

interface SecretContent {
  readonly data: "key" | "cert";
  readonly suffix: pulumi.Output<string>;
  readonly pem: pulumi.Output<string>;
}

/** Hours in 100 years. A certificate that expires or renews itself would cost every node a reboot; the kernel ignores dates. */
const validityPeriodHours = 876_000;

function generatedPair(name: string, args: SigningKeyArgs, parent: pulumi.Resource) {
  const options = { parent, protect: args.protect };
  const key = new tls.PrivateKey(name, { algorithm: "RSA", rsaBits: 4096 }, options);
  const certificate = new tls.SelfSignedCert(
    name,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: args.subject },
      validityPeriodHours,
      earlyRenewalHours: 0,
      allowedUses: ["digital_signature", "code_signing"],
      setSubjectKeyId: true,
      setAuthorityKeyId: true,
    },
    options,
  );
  return { key: key.privateKeyPem, certificate: certificate.certPem };
}
