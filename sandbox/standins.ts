/**
 * One process for all stand-ins of the cluster: the gateway with OpenShift's subresources, OpenShift's controllers,
 * KMM unless its own programs run, and the nodes. Started by `sandbox up`; ends on SIGTERM.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { kubeconfigFile } from "./controlPlane/credentials.ts";
import { filesOf, readState } from "./controlPlane/state.ts";
import { startGateway } from "./gateway/gateway.ts";
import { startKmm } from "./kmm/kmm.ts";
import { startNodes } from "./nodes/nodes.ts";
import { startOpenshift } from "./openshift/openshift.ts";

/** A stand-in that was started. `stop` resolves when everything of it has ended. */
interface Running {
  stop(): Promise<void>;
}

/** Starts all, in this order; each that has started is added to `running` at once. */
async function start(dir: string, running: Running[]): Promise<void> {
  const state = await readState(dir);
  if (!state) throw new Error(`no sandbox in ${dir}`);
  const files = filesOf(dir);
  const openshift = kubeconfigFile(dir, "openshift.kubeconfig");
  running.push(await startNodes({ kubeconfig: kubeconfigFile(dir, "nodes.kubeconfig"), stateDir: dir }));
  running.push(await startOpenshift({ kubeconfig: openshift, stateDir: dir }));
  if (state.kmmFolder === undefined)
    running.push(await startKmm({ kubeconfig: kubeconfigFile(dir, "kmm.kubeconfig") }));
  running.push(
    await startGateway({
      listenPort: state.ports.gateway,
      upstream: { url: `https://127.0.0.1:${state.ports.apiServer}`, caFile: files.ca },
      tls: { certFile: files.pki("gateway.crt"), keyFile: files.pki("gateway.key") },
      stateDir: dir,
      adminKubeconfig: openshift,
    }),
  );
  await writeFile(files.standInsReady, `${process.pid}\n`);
}

const { values } = parseArgs({ options: { dir: { type: "string" } } });
if (values.dir === undefined) throw new Error("--dir is missing");

const running: Running[] = [];
const starting = start(values.dir, running);

/** The last started ends first: the gateway before what it needs. */
async function stop(): Promise<void> {
  await starting.catch(() => undefined);
  for (const each of running.reverse()) await each.stop();
  process.exit(0);
}

process.once("SIGTERM", () => void stop());
await starting;
