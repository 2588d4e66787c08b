/**
 * Takes a stack's marks off a Node that has left it, as the last thing of all: the label, and what stands beside it. By a
 * merge patch, which fails on a Node that is gone; a NodePatch's own deletion is a server-side apply, and makes it anew.
 */
import { z } from "zod";
import { annotations, labels } from "../core/names.ts";
import { connect } from "./lib/kubectl.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";

const input = z.object({ cluster: clusterSchema, stack: z.string(), node: z.string() });

const marks = {
  metadata: {
    labels: { [labels.stack]: null },
    annotations: { [annotations.selected]: null, [annotations.hold]: null, [annotations.generation]: null },
  },
};

await runStep(input, async ({ cluster, stack, node: name }) => {
  const kubectl = await connect(cluster);
  const node = await kubectl.get("nodes", name);
  // Another stack may list the node by now.
  if (node?.metadata.labels?.[labels.stack] !== stack) {
    progress(`${name}: ${node === undefined ? "the node is gone" : "bears no mark of this stack"}`);
    return { node: name };
  }
  await kubectl.run(["patch", "node", name, "--type=merge", "-p", JSON.stringify(marks)]).catch(unlessGone);
  return { node: name };
});

function unlessGone(error: unknown): void {
  if (error instanceof StepError && error.message.includes("(NotFound)")) return;
  throw error;
}
