/**
 * Takes a stack's marks off a Node that has left it, as the last thing of all: the label, what stands beside it, and what an
 * older KMM left for this Module. By a
 * merge patch, which fails on a Node that is gone; a NodePatch's own deletion is a server-side apply, and makes it anew.
 */
import { z } from "zod";
import { annotations, kmm, labels } from "../core/names.ts";
import { connect } from "./cluster/kubectl.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: z.string(),
  /** The Module's namespace and name, of which KMM's leftovers speak. */
  namespace: z.string(),
  module: z.string(),
});

const marks = ({ namespace, module }: z.infer<typeof input>) => ({
  metadata: {
    labels: Object.fromEntries([labels.stack, ...kmm.keptVersionLabels(namespace, module)].map((key) => [key, null])),
    annotations: { [annotations.selected]: null, [annotations.hold]: null, [annotations.generation]: null },
  },
});

await runStep(input, async (step) => {
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
