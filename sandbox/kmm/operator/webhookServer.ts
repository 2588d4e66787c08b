/**
 * KMM's own webhook server, on loopback only: `webhookServer.ts --dir DIR`, with the state directory as working
 * directory. The program listens on every address and has no setting against that, so it runs in a network namespace
 * of its own (`fenced.ts`), and its port is passed on from 127.0.0.1. First of all it does
 * what the operator's package would: types, settings, a certificate, the registration.
 */
import { spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readState } from "../../controlPlane/state.ts";
import { kubeconfigFile } from "../../controlPlane/credentials.ts";
import { Kube } from "../../kube.ts";
import { installKmm } from "../install.ts";
import { loopbackCertificate } from "../admission/certificate.ts";
import { OPERATOR_NAMESPACE, SETTINGS, sockets } from "./constants.ts";
import { operatorFiles } from "./folder.ts";
import { applySettings, readTypes, registerWebhooks } from "./install.ts";
import { relay } from "./relay.ts";

/** Brings up the loopback interface of the new namespace, then runs what follows in its place. */
const LOOPBACK_UP = 'ip link set lo up && exec "$@"';
const WEBHOOKS = ["--enable-module", "--enable-namespace", "--enable-preflightvalidation"];

async function main(dir: string): Promise<void> {
  const { kmm, kmmFolder, ports } = (await readState(dir)) ?? {};
  if (
    kmm === undefined ||
    kmmFolder === undefined ||
    ports?.kmmWebhook === undefined ||
    ports.kmmHealth === undefined
  ) {
    throw new Error(`no sandbox with KMM's own programs in ${dir}`);
  }
  const files = operatorFiles(kmmFolder);
  await installKmm(kubeconfigFile(dir, "standins.kubeconfig"), kmm, await readTypes(files));
  const certificate = await makeCertificate(dir);
  const kubeconfig = kubeconfigFile(dir, "kmm.kubeconfig");
  const kube = await Kube.fromKubeconfig(kubeconfig);
  await applySettings(kube, { webhook: ports.kmmWebhook, health: ports.kmmHealth });
  await registerWebhooks(kube, ports.kmmWebhook, certificate);
  kube.close();
  await rm(sockets.api, { force: true });
  await relay({ path: sockets.api }, { host: "127.0.0.1", port: ports.apiServer });
  await relay({ host: "127.0.0.1", port: ports.kmmWebhook }, { path: sockets.webhook });
  const inside = [String(ports.apiServer), String(ports.kmmWebhook), files.webhookServer];
  runFenced([...inside, `--config=${SETTINGS}`, ...WEBHOOKS], {
    ...process.env,
    KUBECONFIG: kubeconfig,
    OPERATOR_NAMESPACE,
    // Where it looks for its certificate.
    TMPDIR: join(dir, "kmm"),
  });
}

/** The certificate (PEM), also written to where the program looks for it. */
async function makeCertificate(dir: string): Promise<string> {
  const { cert, key } = await loopbackCertificate();
  const folder = join(dir, "kmm", "k8s-webhook-server", "serving-certs");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "tls.crt"), cert);
  await writeFile(join(folder, "tls.key"), key, { mode: 0o600 });
  await writeFile(join(dir, "kmm", "webhook.crt"), cert);
  return cert;
}

/** Both halves end together: the inner one sees its stdin close. */
function runFenced(args: readonly string[], env: NodeJS.ProcessEnv): void {
  const inner = [process.execPath, join(import.meta.dirname, "fenced.ts"), ...args];
  const namespace = ["--user", "--map-root-user", "--net", "sh", "-c", LOOPBACK_UP, "sh", ...inner];
  const child = spawn("unshare", namespace, { env, stdio: ["pipe", "inherit", "inherit"] });
  child.once("error", (error) => {
    console.error(`KMM's webhook server needs a network namespace of its own: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code) => process.exit(code ?? 1));
  process.once("SIGTERM", () => process.exit(0));
}

const { values } = parseArgs({ options: { dir: { type: "string" } } });
if (values.dir === undefined) throw new Error("--dir is missing");
await main(values.dir);
