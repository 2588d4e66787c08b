import * as pulumi from "@pulumi/pulumi";
import type { NodeIdentity } from "../core/node/nodeIdentity.ts";
import { isOut, type NodeReality } from "../core/node/reality.ts";
import { predecessor } from "../core/node/rolloutOrder.ts";
import type { Settings } from "../core/configuration/settings.ts";
import type { EnrolmentPassword } from "./enrolmentPassword.ts";
import { OnloadNode, type OnloadNodeArgs } from "./onloadNode.ts";

/** A node of the configuration's list, and what was found of it. */
export type ListedNode = Settings["nodes"][number] & {
  readonly identity: NodeIdentity;
  readonly reality: NodeReality;
};

/** What all nodes of a stack have in common. */
export interface OnloadNodesArgs extends Omit<
  OnloadNodeArgs,
  "identity" | "reality" | "ssh" | "enrolment" | "consent" | "hold" | "predecessor"
> {
  /** In the order of the roll-out, the canary first. */
  readonly listed: readonly ListedNode[];
  readonly ssh: Settings["ssh"];
  readonly mode: Settings["enrolment"]["mode"];
  /** How many nodes may be out of service at once. */
  readonly maxParallel: Settings["rollout"]["maxParallel"];
  /** Absent in the modes that go without MokManager. */
  readonly password: EnrolmentPassword | undefined;
  /** User and password of the nodes' BMCs; absent in the modes that go without. */
  readonly bmcCredentials?: pulumi.Output<{ user: string; password: string }> | undefined;
}

/**
 * The listed nodes, each waiting for its predecessor: all for the canary, then at most `rollout.maxParallel` side by side.
 * Nodes that an earlier run left out of service go first: they are the natural canary, and a healthy node before them would
 * wait for them forever. Held nodes are selected, so that they stay as they are, and skipped.
 *
 * @returns the nodes in the list's order, not the roll-out's
 */
export function onloadNodes(args: OnloadNodesArgs, options: pulumi.ComponentResourceOptions): OnloadNode[] {
  const { listed, ssh, password, bmcCredentials, maxParallel, ...shared } = args;
  const out = listed.filter(({ reality }) => isOut(reality, args.stack));
  const order: OnloadNode[] = [];
  const nodes = [...new Set([...out, ...listed])].map((node) => {
    const { identity, reality, address, hostKey, console, bmc, hold, ownNetworkOnSolarflare, withoutPorts } = node;
    const before = predecessor(order.length, maxParallel);
    const made = new OnloadNode(
      {
        ...shared,
        identity,
        reality,
        predecessor: before === undefined ? undefined : order[before],
        ssh: { address, hostKey, ...ssh },
        enrolment: {
          console,
          passwordHash: password?.hash ?? pulumi.output(""),
          // Only the script at the console types it.
          password: args.mode === "console" ? password?.password : undefined,
          ...(args.mode === "redfish" &&
            bmc !== undefined && { bmc: bmcCredentials?.apply((credentials) => ({ ...bmc, ...credentials })) }),
        },
        consent: { ownNetworkOnSolarflare, withoutPorts },
        hold,
      },
      options,
    );
    if (!hold) order.push(made);
    return made;
  });
  return nodes.sort((a, b) => positionOf(a) - positionOf(b));

  function positionOf({ name }: OnloadNode): number {
    return listed.findIndex(({ identity }) => identity.name === name);
  }
}
