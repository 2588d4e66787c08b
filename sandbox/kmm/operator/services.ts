import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { kubeconfigFile } from "../../controlPlane/credentials.ts";
import { send } from "../../controlPlane/https.ts";
import type { Service } from "../../controlPlane/service.ts";
import { SIGN_IMAGE, WORKER_IMAGE } from "../../openshift/images.ts";
import { nodeModulesBin } from "../../paths.ts";
import { OPERATOR_NAMESPACE, SETTINGS } from "./constants.ts";
import { operatorFiles } from "./folder.ts";

/** KMM's own webhook server. Starts before the manager: it installs the types, and the settings for both. */
export const webhookServer: Service = {
  name: "kmm-webhook-server",
  ports: ({ ports }) => (ports.kmmWebhook === undefined ? [] : [ports.kmmWebhook]),
  graceMs: 5000,
  command: ({ dir }) => ({
    file: join(nodeModulesBin, "node"),
    args: [join(import.meta.dirname, "webhookServer.ts"), "--dir", dir],
  }),
  async ready({ dir, state }) {
    const ca = await readFile(join(dir, "kmm", "webhook.crt"), "utf8");
    // Whatever it answers, it serves.
    await send({ port: state.ports.kmmWebhook ?? 0, path: "/", ca });
    return true;
  },
};

/** KMM's own manager. */
export const manager: Service = {
  name: "kmm-manager",
  ports: ({ ports }) => (ports.kmmHealth === undefined ? [] : [ports.kmmHealth]),
  graceMs: 10_000,
  command: ({ state }) => ({ file: operatorFiles(state.kmmFolder ?? "").manager, args: [`--config=${SETTINGS}`] }),
  env: ({ dir }) => ({
    KUBECONFIG: kubeconfigFile(dir, "kmm.kubeconfig"),
    OPERATOR_NAMESPACE,
    RELATED_IMAGE_WORKER: WORKER_IMAGE,
    RELATED_IMAGE_SIGN: SIGN_IMAGE,
  }),
  ready: async ({ state }) => (await fetch(`http://127.0.0.1:${state.ports.kmmHealth ?? 0}/readyz`)).ok,
};
