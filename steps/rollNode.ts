/**
 * The whole outage of one node: cordon, drain, let KMM load this version, see it loaded, uncordon. Looks first and
 * acts only where needed; killed anywhere and run again, it goes on. A node that fails stays cordoned.
 */
import { z } from "zod";
import { isReady, whyNotLoaded, type RollNode } from "../core/nodeState.ts";
import { workerTrouble } from "../core/workerPod.ts";
import { connect } from "./lib/kubectl.ts";
import { expectedOn, nodeSchema, outageSchema, sameMachine } from "./lib/nodeInput.ts";
import { NodeOutage } from "./lib/nodeOutage.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil, type Look } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  node: nodeSchema,
  ...outageSchema.shape,
  loadTimeoutMinutes: z.number(),
});

/** Seconds that a worker may fail to pull its image before that is an error. */
const pullPatienceSeconds = 60;

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const { name } = step.node;
  const outage = new NodeOutage(kubectl, { ...step, node: name });
  const expected = expectedOn(step.node, step.module);

  if (await isDone()) {
    progress(`${name}: version ${expected.version} is loaded already`);
  } else {
    await outage.alone(async () => {
      await mayStart();
      await load();
    });
  }
  return { node: name, version: expected.version, image: expected.image };

  async function readNode(): Promise<RollNode> {
    const node = await outage.read();
    return sameMachine(node, step.node);
  }

  async function isDone(): Promise<boolean> {
    const [node, nmc] = await Promise.all([readNode(), outage.readModules()]);
    return whyNotLoaded(node, nmc, expected) === undefined && outage.stateOf(node) === undefined;
  }

  async function mayStart(): Promise<void> {
    const node = await readNode();
    if (!isReady(node) && outage.stateOf(node) === undefined) {
      throw new StepError(
        `${name}: the node isn't Ready, and was not touched; mend it, or set its \`hold: true\`, and run again`,
      );
    }
    const waiting = {
      timeoutSeconds: pullPatienceSeconds,
      remedy: "mend those first, or set their `hold: true` to go on without them",
    };
    await waitUntil(`${name}'s turn`, waiting, async () => {
      const out = (await outage.othersOut()).filter((other) => !step.held.includes(other));
      return out.length < step.maxParallel ? { done: undefined } : { missing: `out of service: ${out.join(", ")}` };
    });
  }

  async function load(): Promise<void> {
    await outage.enter(await readNode(), "drain", expected.version);
    await outage.drain();
    await outage.enter(await readNode(), "load", expected.version);
    await outage.setVersion(expected.namespace, expected.module, expected.version);
    progress(`${name}: KMM may load version ${expected.version} now`);
    const waiting = {
      timeoutSeconds: step.loadTimeoutMinutes * 60,
      remedy: "the node stays cordoned; mend the cause and run `pulumi up` again",
    };
    let pullingSince: number | undefined;
    await waitUntil(`${name} to load the modules`, waiting, async (): Promise<Look<true>> => {
      const [node, nmc, worker] = await Promise.all([
        readNode(),
        outage.readModules(),
        outage.readWorker(expected.namespace, expected.module),
      ]);
      const missing = whyNotLoaded(node, nmc, expected);
      if (missing === undefined) return { done: true };
      const trouble = worker && workerTrouble(worker);
      if (trouble?.hangsForEver !== true) {
        pullingSince = undefined;
      } else {
        pullingSince ??= Date.now();
        if (Date.now() - pullingSince > pullPatienceSeconds * 1000) await giveUp(worker, trouble.text);
      }
      return { missing: trouble?.text ?? missing };
    });
    await outage.leave(await readNode());
  }

  /** KMM would never replace this worker: without it the next run, or KMM, starts a new one. */
  async function giveUp(worker: { metadata: { name: string } } | undefined, trouble: string): Promise<never> {
    if (worker !== undefined) await outage.deletePod(expected.namespace, worker.metadata.name);
    throw new StepError(
      `${name}: ${trouble}. The node stays cordoned. Look at the registry and at the pull secrets of the ServiceAccount, ` +
        "then run `pulumi up` again",
    );
  }
});
