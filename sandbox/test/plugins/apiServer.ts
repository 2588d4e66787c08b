import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { kubeconfigFile, makeCredentials } from "../../controlPlane/credentials.ts";
import { makeCertificates } from "../../controlPlane/certificates.ts";
import { defaultClusterId } from "../../controlPlane/lifecycle.ts";
import { signal } from "../../controlPlane/processes.ts";
import { serviceOf } from "../../controlPlane/services.ts";
import { choosePorts, type ServiceName, type State } from "../../controlPlane/state.ts";
import { ensureRunning, stopService } from "../../controlPlane/supervise.ts";
import { PortClaims } from "../../ports.ts";
import { applyObjects, Kube, readObjects } from "../../kube.ts";
import { ensureToolchain } from "../../toolchain/toolchain.ts";

/** A real Kubernetes API server of its own, with the controllers that deletes need and nothing else. */
export interface ApiServer {
  /** Context `sandbox`. */
  kubeconfig: string;
  kube: Kube;
  stop(): Promise<void>;
}

const SERVICES: ServiceName[] = ["etcd", "kube-apiserver", "kube-controller-manager"];

/** Starts it on free ports, in a temporary directory, with the CustomResourceDefinitions of the recorded cluster. */
export async function startApiServer(): Promise<ApiServer> {
  const { bin } = await ensureToolchain();
  const claims = new PortClaims();
  const dir = await mkdtemp(path.join(os.tmpdir(), "api-server-"));
  const state: State = {
    version: 1,
    clusterId: defaultClusterId,
    workers: 0,
    secureBoot: false,
    kmm: "2.4.1",
    compact: false,
    ports: await choosePorts(claims),
    installed: true,
    configured: true,
    processes: {},
  };
  await makeCertificates(dir);
  await makeCredentials(dir, state.ports);
  // The services outlive their parent by design; a test run that is cut short must take them along.
  const kill = (): void => {
    for (const record of Object.values(state.processes)) signal(record, "SIGKILL");
  };
  const cut = (): never => process.exit(1);
  process.once("exit", kill).once("SIGTERM", cut).once("SIGINT", cut);
  const stop = async (): Promise<void> => {
    process.off("exit", kill).off("SIGTERM", cut).off("SIGINT", cut);
    for (const name of SERVICES.toReversed()) await stopService(serviceOf(name), { dir, state });
    await rm(dir, { recursive: true });
  };
  try {
    for (const name of SERVICES) await ensureRunning(serviceOf(name), { dir, state, bin, claims });
    const kubeconfig = kubeconfigFile(dir, "standins.kubeconfig");
    const kube = await Kube.fromKubeconfig(kubeconfig);
    await applyObjects(kube, await readObjects(new URL("../fixtures/recordedCrds.yaml", import.meta.url)));
    return { kubeconfig, kube, stop: () => (kube.close(), stop()) };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    claims.release();
  }
}
