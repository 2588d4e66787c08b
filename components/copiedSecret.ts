import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { names, ownFields, ownLabels } from "../core/names.ts";
import type { Strategy } from "../core/configuration/choices.ts";
import { guard } from "./guard.ts";
import { ownChildOf, secretReadBy, type OwnerArgs } from "./options.ts";

export interface CopiedSecretArgs extends OwnerArgs {
  /** Where the Secret is; that it exists was checked before (steps/inspectCluster.ts). */
  readonly source: { readonly namespace: string; readonly name: string };
  /** Where its copy goes, under the same name. */
  readonly namespace: pulumi.Input<string>;
}

/** The cluster's entitlement for RHEL's packages, where something is built that needs it; none else. */
export function entitlement(
  strategy: Strategy,
  args: Omit<CopiedSecretArgs, "source">,
  options: pulumi.ComponentResourceOptions,
): CopiedSecret[] {
  if (strategy !== "entitled-ubi") return [];
  const source = { namespace: names.entitlementNamespace, name: names.entitlementSecret };
  return [new CopiedSecret("entitlement", { ...args, source }, options)];
}

/** A copy of another namespace's Secret: builds can mount only those of their own. */
export class CopiedSecret extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:CopiedSecret";

  /** Name of the copy. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: CopiedSecretArgs, options: pulumi.ComponentResourceOptions) {
    super(CopiedSecret.type, name, {}, options);
    const { source } = args;

    const original = k8s.core.v1.Secret.get(`${name}-source`, `${source.namespace}/${source.name}`, secretReadBy(this));
    const copy = new k8s.core.v1.Secret(
      name,
      {
        metadata: {
          name: source.name,
          namespace: args.namespace,
          labels: ownLabels(args.stack),
          annotations: ownFields(args.stack),
        },
        data: pulumi.secret(original.data),
        type: original.type,
      },
      ownChildOf(this, args.remade.entitlement),
    );
    this.name = copy.metadata.name;

    guard(name, args, [copy], this);

    this.registerOutputs({ name: this.name });
  }
}
