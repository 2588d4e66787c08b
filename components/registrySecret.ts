import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { dockerConfigKey, dockerConfigType, mergeDockerConfigs } from "../core/build/dockerConfig.ts";
import { names, ownFields, ownLabels } from "../core/names.ts";
import { secretAt } from "../core/build/registryTrust.ts";
import { guard } from "./guard.ts";
import { ownChildOf, secretReadBy, type OwnerArgs } from "./options.ts";

export interface RegistrySecretArgs extends OwnerArgs {
  /** `NAMESPACE/NAME` of the Secret that may push and pull; that it fits was checked before (core/build/registryTrust.ts). */
  readonly pushSecret: string;
  /** The same for a Secret with what else builds pull. */
  readonly pullSecret?: string | undefined;
  /** Where the Secret goes. */
  readonly namespace: pulumi.Input<string>;
}

/**
 * Credentials for a registry outside of the cluster, in the stack's namespace: one Secret for all, because KMM takes only one for
 * its builds' pulls and pushes and for the nodes' pulls.
 */
export class RegistrySecret extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:RegistrySecret";

  /** Name of the Secret. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: RegistrySecretArgs, options: pulumi.ComponentResourceOptions) {
    super(RegistrySecret.type, name, {}, options);

    const sources = [
      ...(args.pullSecret === undefined ? [] : [{ use: "pull", ...secretAt(args.pullSecret) }]),
      // The last one's entries override those before.
      { use: "push", ...secretAt(args.pushSecret) },
    ].map(({ use, namespace, name: source }) =>
      k8s.core.v1.Secret.get(`${name}-${use}-source`, `${namespace}/${source}`, secretReadBy(this)),
    );
    const merged = pulumi.all(sources.map(({ data }) => data)).apply((all) => base64(mergeDockerConfigs(textsIn(all))));
    const secret = new k8s.core.v1.Secret(
      name,
      {
        metadata: {
          name: names.registrySecret,
          namespace: args.namespace,
          labels: ownLabels(args.stack),
          annotations: ownFields(args.stack),
        },
        data: { [dockerConfigKey]: pulumi.secret(merged) },
        type: dockerConfigType,
      },
      ownChildOf(this, args.remade["registry-secret"]),
    );
    this.name = secret.metadata.name;

    guard(name, args, [secret], this);

    this.registerOutputs({ name: this.name });
  }
}

const textsIn = (secrets: readonly Readonly<Record<string, string>>[]): string[] =>
  secrets.map((data) => Buffer.from(data[dockerConfigKey] ?? "", "base64").toString("utf8"));

const base64 = (text: string): string => Buffer.from(text).toString("base64");
