/**
 * `npm run status [-- --help]`: one table of all nodes of a stack. Read-only, and quick: all nodes are asked at once, and one that doesn't answer says so in its line.
 */
import type { NodeModulesConfig, RollNode } from "../core/node/nodeState.ts";
import { parseSettings } from "../core/configuration/parseSettings.ts";
import { formatTable, isFit, statusRow, summary, type NodeReport } from "../core/node/statusTable.ts";
import { statusSeconds } from "../core/patience.ts";
import { connect, type KubeObject } from "../steps/cluster/kubectl.ts";
import { NodeMachine } from "../steps/node/nodeMachine.ts";
import { StepError } from "../steps/lib/step.ts";
import { cliOf, printedJson, fail, optionsOf, type StackChoice } from "./stack.ts";

type Cli = ReturnType<typeof cliOf>;

interface StackConfig {
  readonly [key: string]: { readonly value?: string; readonly objectValue?: unknown; readonly secret: boolean };
}

const usage = `npm run status [-- OPTIONS]

One table of the nodes of a stack, and what is to be done; writes nothing.

  --stack NAME         the stack; default: the selected one
  --config-file FILE   instead of Pulumi.STACK.yaml
  --json               the same as JSON
  --exit-code          ends with 3 where a node isn't as it should be
  --help
`;

const flag = { type: "boolean", default: false } as const;
const values = optionsOf(usage, { json: flag, "exit-code": flag });
try {
  const rows = await readRows(values);
  process.stdout.write(
    values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${formatTable(rows)}\n\n${summary(rows)}\n`,
  );
  if (values["exit-code"] && !rows.every(isFit)) process.exitCode = 3;
} catch (error) {
  fail(error);
}

async function readRows(choice: StackChoice) {
  const pulumi = cliOf(choice);
  const [settings, certificate] = await Promise.all([readSettings(pulumi), readCertificate(pulumi)]);
  const kubectl = await connect(settings.cluster, statusSeconds);
  const [nodes, nmcs] = await Promise.all([
    kubectl.list<RollNode & KubeObject>("nodes"),
    kubectl.listKnown<NodeModulesConfig & KubeObject>("nodemodulesconfigs.kmm.sigs.x-k8s.io"),
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
  return reports.map((report) => statusRow(report, settings, Date.now()));
}

/** The stack's configuration; its secrets are neither needed nor asked for. */
async function readSettings(pulumi: Cli) {
  const config = printedJson(await pulumi("config", "--json"), "config --json") as StackConfig;
  const raw = Object.entries(config)
    .filter(([key, { secret }]) => key.startsWith("onload-kmm:") && !secret)
    .map(([key, { value, objectValue }]) => [
      key.slice("onload-kmm:".length),
      objectValue === undefined ? (value ?? "") : JSON.stringify(objectValue),
    ]);
  const unread = Object.entries(config)
    .filter(([, { secret }]) => secret)
    .map(([key]) => key.slice("onload-kmm:".length));
  const { settings, problems } = parseSettings(Object.fromEntries(raw) as Record<string, string>, () => true, unread);
  return settings ?? fail(problems.join("\n"));
}

/** The signing certificate, once `up` has made it; before that the key's state can't be asked. */
async function readCertificate(pulumi: Cli): Promise<string> {
  const outputs = printedJson(await pulumi("stack", "output", "--json"), "stack output --json") as {
    certificate?: string;
  };
  return outputs.certificate ?? "";
}
