import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { EnrolmentMode } from "../core/configuration/choices.ts";
import type { BmcAccess } from "../core/firmware/bmcAccess.ts";
import { closeGate } from "../core/contracts/closeGate.ts";
import { importKey } from "../core/contracts/importKey.ts";
import { leaveNode } from "../core/contracts/leaveNode.ts";
import { rollNode } from "../core/contracts/rollNode.ts";
import { unmarkNode } from "../core/contracts/unmarkNode.ts";
import { proveNode, type NodeProof } from "../core/contracts/proveNode.ts";
import type { NodeIdentity } from "../core/node/nodeIdentity.ts";
import { annotations, labels, moduleName } from "../core/names.ts";
import { expectedOn, type ModuleTarget } from "../core/node/nodeState.ts";
import type { SshTarget } from "../core/node/sshTarget.ts";
import type { Consent } from "../core/node/obstacles.ts";
import { partOf } from "../core/node/parts.ts";
import { heldLine, proofLine } from "../core/node/proofLine.ts";
import { generation, planned, type NodeReality } from "../core/node/reality.ts";
import { childOf, type StackArgs } from "./options.ts";
import { step } from "./step.ts";

export interface OnloadNodeArgs extends StackArgs {
  readonly identity: NodeIdentity;
  /** What the node was found to be, to be compared with what it shall be. */
  readonly reality: NodeReality;
  readonly namespace: string;
  /** The Module object: nodes leave before it is deleted. */
  readonly module: pulumi.Output<pulumi.Resource>;
  /** What to load. */
  readonly target: pulumi.Output<ModuleTarget>;
  /** Done once that is built: no node is touched before. */
  readonly build: pulumi.Output<pulumi.Resource>;
  /** The node that must be proven before this one starts. */
  readonly predecessor?: OnloadNode | undefined;
  /** How the node is reached from the bastion. */
  readonly ssh: SshTarget;
  /** The signing certificate in PEM. */
  readonly certificate: pulumi.Output<string>;
  /** How the node comes to trust the key; the rest of how is in the policy. */
  readonly mode: EnrolmentMode;
  readonly enrolment: {
    /** Command that opens the serial console. */
    readonly console?: string | undefined;
    /** Secret: hash of the password that MokManager asks for. */
    readonly passwordHash: pulumi.Output<string>;
    /** Secret: the password, for the script of mode `console` only. */
    readonly password?: pulumi.Output<string> | undefined;
    /** Secret: the node's BMC and who may log in there, for mode `redfish` only. */
    readonly bmc?: pulumi.Output<BmcAccess> | undefined;
  };
  readonly consent: Consent;
  /** Whether roll-outs pass this node by; it stays as it is. */
  readonly hold: boolean;
}

/** One node on its way from selected to proven, and back when it leaves. */
export class OnloadNode extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:OnloadNode";

  /** The node's selection label, made before the Module. */
  readonly selection: pulumi.Resource;
  /** The Node's name. */
  readonly name: string;
  /** What was found on the node; absent while it is held. */
  readonly proof: pulumi.Output<NodeProof> | undefined;
  /** Exists once the node is proven. */
  readonly proven: pulumi.Resource;
  /** A held node in one line. */
  readonly #held: string;

  constructor(args: OnloadNodeArgs, options: pulumi.ComponentResourceOptions) {
    const { identity, stack, cluster } = args;
    const name = identity.name;
    super(OnloadNode.type, name, {}, options);
    this.name = name;
    this.#held = heldLine(args.reality.node, { namespace: args.namespace, module: moduleName });

    // Before the Module, so that a new kernel gets its mapping with the gate closed; and before the label that it takes off:
    // a patch's own deletion would create a Node that no longer exists.
    const kmmLabels = { namespace: args.namespace, module: moduleName, kernel: identity.kernel };
    const marks = step(
      partOf(name, "marks"),
      { run: closeGate, undo: unmarkNode },
      { cluster, stack, node: name, ...kmmLabels },
      childOf(this),
    );
    const select = new k8s.core.v1.NodePatch(
      partOf(name, "select"),
      {
        metadata: {
          name,
          labels: { [labels.stack]: stack },
          annotations: {
            [annotations.selected]: identity.uid,
            // The other nodes' rolls look here, so that holding one changes nothing of theirs.
            ...(args.hold && { [annotations.hold]: "true" }),
            // A manager of our own, not a random one: the same stack always owns, and takes off, the same field.
            "pulumi.com/patchFieldManager": `onload-kmm-${stack}-select`,
            "pulumi.com/patchForce": "true",
          },
        },
      },
      { ...childOf(this, [marks]), retainOnDelete: true },
    );
    this.selection = select;

    const { ssh, certificate, consent } = args;
    const { console, ...secrets } = args.enrolment;
    const onNode = { cluster, ssh, certificate };
    const claim = step(
      partOf(name, "claim"),
      { undo: leaveNode },
      { ...onNode, stack, node: name, namespace: args.namespace, module: moduleName, console, enrolment: secrets },
      // Deleted in reverse: the node leaves while it is still selected, and while the Module can still unload it.
      childOf(this, [select, args.module]),
    );

    this.proven = claim;
    if (!args.hold) {
      const generation = args.target.apply((target) => this.#generation(args, target));
      const target = { ...onNode, node: identity, module: args.target, generation };
      // The predecessor's proof is this node's turn. Until then a dead node blocks nobody.
      const turn = args.predecessor === undefined ? [] : [args.predecessor.proven];
      const roll = step(
        partOf(name, "roll"),
        { run: rollNode },
        { ...target, stack, consent, console, enrolment: secrets },
        // The images are there, the claim cleans up after a roll that fails, and the request should be there before the
        // outage begins.
        childOf(this, [args.build, claim, ...turn, ...request(args, [claim, ...turn], this)]),
      );
      const proof = step(
        partOf(name, "proof"),
        { run: proveNode },
        target,
        // Only what was rolled can be proven.
        childOf(this, [roll]),
      );
      const { machine } = args.reality;
      const now = machine !== undefined && "cards" in machine ? { cards: machine.cards } : {};
      this.proof = proof.answer.apply((answer) => ({ ...answer, ...now }));
      this.proven = proof;
    }

    this.registerOutputs({ proof: this.proof });
  }

  /** The node in one line, for the stack's outputs. */
  told(fingerprint: pulumi.Output<string>): pulumi.Output<string> {
    if (this.proof === undefined) return pulumi.output(this.#held);
    return pulumi.all([this.proof, fingerprint]).apply(([proof, key]) => proofLine(proof, key));
  }

  /** The node's generation; says in one line of the plan why a node is done again. */
  #generation({ reality, stack }: OnloadNodeArgs, target: ModuleTarget): number {
    const wanted = expectedOn(reality.node.status.nodeInfo.kernelVersion, target);
    const plan = planned(reality, wanted, stack);
    if (plan !== undefined) void pulumi.log.info(plan, this);
    return generation(reality, wanted, stack);
  }
}

/** Asks for the key's enrolment over SSH, without an outage, in the modes that go through MokManager. */
function request(args: OnloadNodeArgs, after: pulumi.Resource[], parent: pulumi.Resource): pulumi.Resource[] {
  const { cluster, stack, ssh, certificate, mode } = args;
  if (mode === "off" || mode === "redfish") return [];
  // Another machine under the same name is asked again; another kernel on it is nothing to ask for.
  const { name, uid, machineId, systemUuid } = args.identity;
  const node = { name, uid, machineId, systemUuid };
  const { passwordHash } = args.enrolment;
  const asked = step(
    partOf(name, "import"),
    { run: importKey },
    { cluster, stack, node, ssh, certificate, passwordHash },
    // After the claim, whose deletion revokes a pending request.
    childOf(parent, after),
  );
  return [asked];
}
