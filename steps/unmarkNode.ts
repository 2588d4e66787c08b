/**
 * Takes a stack's marks off a Node that has left it, as the last thing of all: the label, what stands beside it, and what an
 * older KMM left for this Module. By a
 * merge patch, which fails on a Node that is gone; a NodePatch's own deletion is a server-side apply, and creates it again.
 */
import type { InputOf } from "../core/contracts/contract.ts";
import { unmarkNode } from "../core/contracts/unmarkNode.ts";
import { annotations, kmm, labels } from "../core/names.ts";
import { connect } from "./cluster/kubectl.ts";
import { progress, runStep } from "./lib/step.ts";

const marks = ({ namespace, module }: InputOf<typeof unmarkNode>) => ({
  metadata: {
    labels: Object.fromEntries([labels.stack, ...kmm.keptVersionLabels(namespace, module)].map((key) => [key, null])),
    annotations: { [annotations.selected]: null, [annotations.hold]: null, [annotations.generation]: null },
  },
});

await runStep(unmarkNode, async (step) => {
  const { cluster, stack, node: name } = step;
  const kubectl = await connect(cluster);
  const node = await kubectl.get("nodes", name);
  // Another stack may list the node by now.
  if (node?.metadata.labels?.[labels.stack] !== stack) {
    progress(`${name}: ${node === undefined ? "the node is gone" : "has no label of this stack"}`);
    return { node: name };
  }
  await kubectl.runIfThere(["patch", "node", name, "--type=merge", "-p", JSON.stringify(marks(step))]);
  return { node: name };
});
