import * as pulumi from "@pulumi/pulumi";
import type { NodeIdentity } from "../core/inspection.ts";
import { predecessor } from "../core/lanes.ts";
import type { Settings } from "../core/settings.ts";
import type { EnrolmentPassword } from "./enrolmentPassword.ts";
import { OnloadNode, type OnloadNodeArgs } from "./onloadNode.ts";

/** A node of the configuration's list, and what the cluster says of it. */
export type ListedNode = Settings["nodes"][number] & { readonly identity: NodeIdentity };

/** What all nodes of a stack have in common. */
export interface OnloadNodesArgs extends Omit<
  OnloadNodeArgs,
  "identity" | "ssh" | "enrolment" | "ownNetworkOnSolarflare" | "hold" | "predecessor"
> {
  /** In the order of the roll-out, the canary first. */
  readonly listed: readonly ListedNode[];
  readonly ssh: Settings["ssh"];
  readonly enrolment: Settings["enrolment"];
  /** Absent in the modes that go without MokManager. */
  readonly password: EnrolmentPassword | undefined;
  /** User and password of the nodes' BMCs; absent in the modes that go without. */
  readonly bmcCredentials?: pulumi.Output<{ user: string; password: string }> | undefined;
}

/**
 * The listed nodes, each waiting for its predecessor: all for the canary, then in lanes as wide as
 * `rollout.maxParallel`. Held nodes are selected, so that they stay as they are, and passed by.
 */
export function onloadNodes(args: OnloadNodesArgs, options: pulumi.ComponentResourceOptions): OnloadNode[] {
  const { listed, ssh, enrolment, password, bmcCredentials, ...shared } = args;
  const order: OnloadNode[] = [];
  return listed.map(({ identity, address, hostKey, console, bmc, hold, ownNetworkOnSolarflare }) => {
    const before = predecessor(order.length, args.rollout.maxParallel);
    const node = new OnloadNode(
      {
        ...shared,
        identity,
        predecessor: before === undefined ? undefined : order[before],
        ssh: { address, hostKey, ...ssh },
        enrolment: {
          ...enrolment,
          console,
          passwordHash: password?.hash ?? pulumi.output(""),
          // Only the script at the console types it.
          password: enrolment.mode === "console" ? password?.password : undefined,
          ...(enrolment.mode === "redfish" &&
            bmc !== undefined && { bmc: bmcCredentials?.apply((credentials) => ({ ...bmc, ...credentials })) }),
        },
        ownNetworkOnSolarflare,
        hold,
      },
      options,
    );
    if (!hold) order.push(node);
    return node;
  });
}
