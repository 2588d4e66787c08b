import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { NodeIdentity } from "../core/inspection.ts";
import { labels, moduleName } from "../core/names.ts";
import type { BuiltModule } from "./kernelModule.ts";
import { childOf, type StackArgs } from "./options.ts";
import { step } from "./step.ts";

export interface OnloadNodeArgs extends StackArgs {
  readonly identity: NodeIdentity;
  readonly namespace: string;
  /** The Module object: nodes leave before it is deleted. */
  readonly module: pulumi.Output<pulumi.Resource>;
  /** What to load; resolves once it is built. */
  readonly built: pulumi.Output<BuiltModule>;
  /** The node that must be proven before this one starts. */
  readonly predecessor?: OnloadNode | undefined;
  /** Whether roll-outs pass this node by; it stays as it is. */
  readonly hold: boolean;
  /** All nodes that roll-outs pass by. */
  readonly held: readonly string[];
  readonly rollout: {
    /** How many nodes may be out of service at once. */
    readonly maxParallel: number;
    readonly drain: boolean;
    readonly drainTimeoutMinutes: number;
    readonly loadTimeoutMinutes: number;
  };
}

/** What {@link file://../steps/proveNode.ts} found on a node. */
export interface NodeProof {
  readonly node: string;
  readonly kernel: string;
  readonly bootId: string;
  readonly image: string;
  readonly version: string;
}

/** One node on its way from selected to proven, and back when it leaves. */
export class OnloadNode extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:OnloadNode";

  /** The node's selection label, made before the Module. */
  readonly selection: pulumi.Resource;
  /** What was found on the node; absent while it is held. */
  readonly proof: pulumi.Output<NodeProof> | undefined;
  /** Exists once the node is proven. */
  readonly proven: pulumi.Resource;

  constructor(args: OnloadNodeArgs, options: pulumi.ComponentResourceOptions) {
    const { identity, stack, cluster } = args;
    const name = identity.name;
    super(OnloadNode.type, name, {}, options);

    const select = new k8s.core.v1.NodePatch(
      `${name}-select`,
      {
        metadata: {
          name,
          labels: { [labels.stack]: stack },
          annotations: {
            // A manager of our own, not a random one: the same stack always owns, and takes off, the same field.
            "pulumi.com/patchFieldManager": `onload-kmm-${stack}-select`,
            "pulumi.com/patchForce": "true",
          },
        },
      },
      childOf(this),
    );
    this.selection = select;

    const claim = step(
      `${name}-claim`,
      {
        undo: "leaveNode",
        input: { cluster, stack, node: name, namespace: args.namespace, module: moduleName, ...args.rollout },
      },
      // Deleted in reverse: the node leaves while it is still selected, and while the Module can still unload it.
      childOf(this, [select, args.module]),
    );

    this.proven = claim;
    if (!args.hold) {
      const target = { cluster, node: identity, module: args.built };
      const roll = step(
        `${name}-roll`,
        { run: "rollNode", input: { ...target, stack, held: args.held, ...args.rollout } },
        // The claim cleans up after a roll that fails; the predecessor's proof is this node's turn in its lane.
        childOf(this, [claim, ...(args.predecessor === undefined ? [] : [args.predecessor.proven])]),
      );
      const proof = step(
        `${name}-proof`,
        { run: "proveNode", input: target },
        // Only what was rolled can be proven.
        childOf(this, [roll]),
      );
      this.proof = proof.stdout.apply((answer) => JSON.parse(answer) as NodeProof);
      this.proven = proof;
    }

    this.registerOutputs({ proof: this.proof });
  }
}
