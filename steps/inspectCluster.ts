/**
 * Looks at the cluster and its nodes before the first change, in `preview` too: one read-only call for everything.
 * Answers with its findings and exit code 0, so that the program can report all mistakes at once.
 */
import type { InputOf } from "../core/contracts/contract.ts";
import { inspectCluster, nothingSeen } from "../core/contracts/inspectCluster.ts";
import { clusterWarnings, updatingPools } from "../core/cluster/clusterWarnings.ts";
import { clusterProblems, leavingNodes, listedNodes, type ClusterFacts } from "../core/cluster/inspection.ts";
import { lackOfRights } from "../core/cluster/rightsGranted.ts";
import { told } from "../core/errors.ts";
import { moduleKernels } from "../core/build/moduleKernels.ts";
import { previewSeconds } from "../core/patience.ts";
import { runRecord } from "../core/report/runRecord.ts";
import { readCluster } from "./cluster/clusterFacts.ts";
import { identify } from "./cluster/kubectl.ts";
import { ProxiedKubectl } from "./cluster/proxiedKubectl.ts";
import { missingRights } from "./cluster/rights.ts";
import { checkSsh } from "./node/sshCheck.ts";
import { beginRun } from "./lib/report.ts";
import { runStep, StepError } from "./lib/step.ts";

async function findings({ cluster, intent }: InputOf<typeof inspectCluster>): Promise<ClusterFacts | StepError> {
  let kubectl: ProxiedKubectl | undefined;
  try {
    kubectl = new ProxiedKubectl(cluster, previewSeconds);
    await identify(kubectl, cluster);
    const [facts, missing] = await Promise.all([
      readCluster(kubectl, intent, previewSeconds).catch(orStepError),
      missingRights(kubectl, { ...intent, nextKernels: intent.nextKernels ?? false }),
    ]);
    // The first refused read would be one line of this list.
    if (missing.length === 0) return facts;
    return new StepError("OKMM-CLUSTER-RIGHTS", lackOfRights(cluster.context, missing));
  } catch (error) {
    return orStepError(error);
  } finally {
    await kubectl?.end();
  }
}

function orStepError(error: unknown): StepError {
  if (error instanceof StepError) return error;
  throw error;
}

/** One that names its key needs no other beginning. */
const aboutCluster = (message: string): string => (message.startsWith("onload-kmm:") ? message : `cluster: ${message}`);

await runStep(inspectCluster, async (step) => {
  const { intent } = step;
  const facts = await findings(step);
  // Asked after the cluster, which knows the certificate.
  const certificate = intent.certificate ?? ("certificate" in facts ? facts.certificate : "");
  const { release, mode } = step;
  const { problems, warnings, machines } = await checkSsh(step.machines, { certificate, release, mode });
  const nodes = facts instanceof StepError ? [] : listedNodes(intent, facts);
  const found = nodes.map((each) => ({ ...each, machine: machines.get(each.node.metadata.name) }));
  if (step.run !== undefined) beginRun(step.run.name, runRecord(step, step.run, found));
  if (facts instanceof StepError) {
    return { ...nothingSeen, problems: [told(facts.id, aboutCluster(facts.message)), ...problems], warnings };
  }
  return {
    problems: [...clusterProblems(intent, facts), ...problems],
    warnings: [...clusterWarnings(intent, facts), ...warnings],
    nodes: found,
    certificate: facts.certificate,
    remade: facts.remade,
    spoilt: facts.spoilt,
    signed: facts.signed,
    kernels: moduleKernels({ ...intent, ...facts, listed: intent.nodes.map(({ name }) => name) }),
    leaving: leavingNodes(intent, facts),
    updatingPools: updatingPools(intent, facts),
  };
});
