/**
 * Looks at the cluster and its nodes before the first change, in `preview` too: one read-only call for everything.
 * Answers with its findings and exit code 0, so that the program can report all mistakes at once.
 */
import { z } from "zod";
import { clusterWarnings } from "../core/cluster/clusterWarnings.ts";
import { clusterProblems, listedNodes, type ClusterFacts } from "../core/cluster/inspection.ts";
import { told } from "../core/errors.ts";
import { moduleKernels } from "../core/build/moduleKernels.ts";
import { registry } from "../core/configuration/settings.ts";
import { previewSeconds } from "../core/patience.ts";
import { readCluster } from "./cluster/clusterFacts.ts";
import { connect } from "./cluster/kubectl.ts";
import { machineSchema, reach } from "./node/sshCheck.ts";
import { clusterSchema, runStep, StepError } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  intent: z.object({
    stack: z.string(),
    namespace: z.string(),
    nodes: z.array(z.object({ name: z.string(), hold: z.boolean() })),
    kernels: z.string(),
    strategy: z.enum(["driver-toolkit", "entitled-ubi"]),
    registry: registry.optional(),
    /** PEM of an existing signing pair's certificate. */
    certificate: z.string().optional(),
  }),
  /** OpenOnload's version. */
  release: z.string(),
  /** How the key gets into the nodes' firmware. */
  mode: z.enum(["attended", "operator", "console", "redfish", "off"]),
  /** How the nodes are reached that roll-outs don't pass by. */
  machines: z.array(machineSchema),
});

async function findings({ cluster, intent }: z.infer<typeof input>): Promise<ClusterFacts | StepError> {
  try {
    return await readCluster(await connect(cluster, previewSeconds), intent, previewSeconds);
  } catch (error) {
    if (error instanceof StepError) return error;
    throw error;
  }
}

await runStep(input, async (step) => {
  const { intent } = step;
  const facts = await findings(step);
  // Asked after the cluster, which knows the certificate.
  const certificate = intent.certificate ?? ("certificate" in facts ? facts.certificate : "");
  const { release, mode } = step;
  const { problems, warnings, machines } = await reach(step.machines, { certificate, release, mode });
  if (facts instanceof StepError) {
    return {
      problems: [told(facts.id, `cluster: ${facts.message}`), ...problems],
      warnings,
      nodes: [],
      certificate: "",
      remade: {},
      spoilt: [],
      kernels: [],
    };
  }
  return {
    problems: [...clusterProblems(intent, facts), ...problems],
    warnings: [...clusterWarnings(intent, facts), ...warnings],
    nodes: listedNodes(intent, facts).map((found) => ({ ...found, machine: machines.get(found.node.metadata.name) })),
    certificate: facts.certificate,
    remade: facts.remade,
    spoilt: facts.spoilt,
    kernels: moduleKernels({ ...intent, ...facts, listed: intent.nodes.map(({ name }) => name) }),
  };
});
