/**
 * `npm run status [-- --help]`: one table of all nodes of a stack. Read-only, and quick: all nodes are asked at once, and one that doesn't answer says so in its line.
 */
import { X509Certificate } from "node:crypto";
import { moduleName } from "../core/names.ts";
import type { NodeModulesConfig, RollNode } from "../core/node/nodeState.ts";
import type { LiveModule } from "../core/cluster/ownObjects.ts";
import { statusOf, type NodeReport } from "../core/node/nodeStatus.ts";
import { formatReport, reportOf } from "../core/node/statusTable.ts";
import { statusSeconds } from "../core/patience.ts";
import { connect, type KubeObject } from "../steps/cluster/kubectl.ts";
import { NodeMachine } from "../steps/node/nodeMachine.ts";
import { StepError } from "../steps/lib/step.ts";
import { readSettings } from "./settings.ts";
import { cliOf, printedJson, fail, optionsOf, type Cli, type StackChoice } from "./stack.ts";

const usage = `npm run status [-- OPTIONS]

One table of the nodes of a stack, those that deviate first, and what is to be done; writes nothing.

  --stack NAME         the stack; default: the selected one
  --config-file FILE   instead of Pulumi.STACK.yaml
  --json               the same, and more, as JSON (docs/status.md)
  --columns N          no wider than this; default: the terminal's width
  --exit-code          ends with 3 where a node isn't as it should be
  --help
`;

const flag = { type: "boolean", default: false } as const;
const values = optionsOf(usage, { json: flag, "exit-code": flag, columns: { type: "string" } });
// Where there is no terminal, lines may have any length.
const width = values.columns === undefined ? process.stdout.columns : Number(values.columns);
try {
  const report = await look(values);
  process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : formatReport(report, width)}\n`);
  if (values["exit-code"] && !report.asWanted) process.exitCode = 3;
} catch (error) {
  fail(error);
}

async function look(choice: StackChoice) {
  const pulumi = cliOf(choice);
  const [settings, certificate] = await Promise.all([readSettings(pulumi), readCertificate(pulumi)]);
  const kubectl = await connect(settings.cluster, statusSeconds);
  const { namespace, enrolment } = settings;
  const [nodes, nmcs, modules] = await Promise.all([
    kubectl.list<RollNode & KubeObject>("nodes"),
    kubectl.listKnown<NodeModulesConfig & KubeObject>("nodemodulesconfigs.kmm.sigs.x-k8s.io"),
    kubectl.listKnown<LiveModule & KubeObject>("modules.kmm.sigs.x-k8s.io", "-n", namespace),
  ]);
  const reports = await Promise.all(
    settings.nodes.map(async ({ name, hold, address, hostKey, console }): Promise<NodeReport> => {
      const node = nodes.find(({ metadata }) => metadata.name === name);
      const nmc = nmcs.find(({ metadata }) => metadata.name === name);
      const machine = new NodeMachine(name, { address, hostKey, ...settings.ssh }, certificate);
      try {
        return { name, hold, node, nmc, console, machine: await machine.state() };
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        return { name, hold, node, nmc, console, unreachable: error.message };
      }
    }),
  );
  const module = modules.find(({ metadata }) => metadata.name === moduleName);
  const now = Date.now();
  return reportOf(
    reports.map((report) => statusOf(report, { namespace, enrolment, module }, now)),
    certificate === "" ? null : new X509Certificate(certificate).fingerprint256,
  );
}

/** The signing certificate, once `up` has made it; before that the key's state can't be asked. */
async function readCertificate(pulumi: Cli): Promise<string> {
  const outputs = printedJson(await pulumi("stack", "output", "--json"), "stack output --json") as {
    certificate?: string;
  };
  return outputs.certificate ?? "";
}
