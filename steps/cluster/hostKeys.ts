import { randomBytes } from "node:crypto";
import { parseHostKeys } from "../../core/node/hostKey.ts";
import { readerNamespace, readerPod, readingOf, type ReaderPod } from "../../core/node/hostKeyPod.ts";
import { hostKeyPodsSeconds } from "../../core/patience.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil, type Look } from "../lib/wait.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";
import { failedFor } from "./kubectlError.ts";

const elsewhere =
  "or take the keys from the network (`--host-keys keyscan`) and compare their fingerprints on the consoles";

/** Where `oc debug node` finds its image. */
const tools = { namespace: "openshift", imageStream: "tools", tag: "latest" } as const;

interface ImageStream extends KubeObject {
  readonly status?: {
    readonly tags?: readonly {
      readonly tag: string;
      readonly items?: readonly { readonly dockerImageReference: string }[] | null;
    }[];
  };
}

/**
 * The image with a shell that every OpenShift release brings along, a mirrored one too.
 *
 * @throws StepError where the cluster has none
 */
export async function toolsImage(kubectl: Kubectl): Promise<string> {
  const stream = await kubectl.getKnown<ImageStream>(
    "imagestreams.image.openshift.io",
    tools.imageStream,
    tools.namespace,
  );
  const image = stream?.status?.tags?.find(({ tag }) => tag === tools.tag)?.items?.[0]?.dockerImageReference;
  if (image !== undefined) return image;
  const { namespace, imageStream, tag } = tools;
  throw new StepError(
    "OKMM-HOSTKEY-UNREAD",
    `the cluster has no image ${namespace}/${imageStream}:${tag}, which \`oc debug\` uses, too; name one with sh and cat by \`--image\`, ` +
      elsewhere,
  );
}

/**
 * Reads the SSH host keys of nodes through the API: a pod on each reads its public key files. They live in a namespace of
 * their own, which is deleted at the end, also when `stop` aborts.
 *
 * @returns each node's keys, the best first
 * @throws StepError when a node's can't be read, with every such node and why
 */
export async function readHostKeys(
  kubectl: Kubectl,
  nodes: readonly string[],
  { image, stop }: { readonly image: string; readonly stop: AbortSignal },
): Promise<Map<string, readonly string[]>> {
  const namespace = `onload-kmm-init-${randomBytes(4).toString("hex")}`;
  try {
    for (const object of readerNamespace(namespace)) await create(kubectl, object, stop);
    const pods = nodes.map((node, index) => readerPod(namespace, node, index, image));
    await create(kubectl, { apiVersion: "v1", kind: "List", items: pods }, stop);
    const waiting = {
      timeoutSeconds: hostKeyPodsSeconds,
      error: "OKMM-HOSTKEY-UNREAD" as const,
      remedy: `leave them out with \`--nodes\`, ${elsewhere}`,
    };
    return await waitUntil("host keys", waiting, async () => {
      stop.throwIfAborted();
      return lookAt(await kubectl.list<ReaderPod & KubeObject>("pods", "-n", namespace), nodes);
    });
  } finally {
    await deleteNamespace(kubectl, namespace);
  }
}

/** The first error is the one to tell: what can't be deleted is said beside it. */
async function deleteNamespace(kubectl: Kubectl, namespace: string): Promise<void> {
  try {
    await kubectl.run(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"]);
  } catch (error) {
    progress(`the namespace ${namespace} is left behind, delete it: ${(error as Error).message}`);
  }
}

async function create(kubectl: Kubectl, object: object, stop: AbortSignal): Promise<void> {
  stop.throwIfAborted();
  try {
    await kubectl.run(["create", "-f", "-"], JSON.stringify(object));
  } catch (error) {
    if (!failedFor(error, "Forbidden")) throw error;
    throw new StepError(
      "OKMM-HOSTKEY-UNREAD",
      `reading host keys through the API needs cluster-admin, or the rights that \`npm run init -- --help\` lists; get them, ${elsewhere}\n` +
        error.message,
    );
  }
}

/** All keys once every pod has ended; what is missing before that. Failures wait for the others, so that all are told at once. */
function lookAt(pods: readonly ReaderPod[], nodes: readonly string[]): Look<Map<string, readonly string[]>> {
  const readings = nodes.map((node) => {
    const pod = pods.find(({ spec }) => spec.nodeName === node);
    return { node, reading: pod === undefined ? { failed: "its pod was deleted" } : withKeys(readingOf(pod)) };
  });
  const failed = readings.flatMap(({ node, reading }) => ("failed" in reading ? [`${node}: ${reading.failed}`] : []));
  const missing = readings.flatMap(({ node, reading }) =>
    "waiting" in reading ? [`${node}: ${reading.waiting}`] : [],
  );
  if (missing.length > 0) return { missing: [...missing, ...failed].join("; ") };
  if (failed.length > 0)
    throw new StepError(
      "OKMM-HOSTKEY-UNREAD",
      `host keys: not read on ${failed.join("; ")}; ${elsewhere.slice("or ".length)}`,
    );
  return { done: new Map(readings.map(({ node, reading }) => [node, "keys" in reading ? reading.keys : []])) };
}

type Keys = { readonly keys: readonly string[] } | { readonly failed: string } | { readonly waiting: string };

function withKeys(reading: ReturnType<typeof readingOf>): Keys {
  if (!("text" in reading)) return reading;
  const keys = parseHostKeys(reading.text);
  return keys.length > 0 ? { keys } : { failed: "no key of a known type in /etc/ssh" };
}
