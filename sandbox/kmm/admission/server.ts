import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Running } from "../../gateway/gateway.ts";
import type { Kube, KubeObject, Resource } from "../../kube.ts";
import type { Line } from "../lines.ts";
import type { Module, Preflight } from "../resources.ts";
import { loopbackCertificate } from "./certificate.ts";
import { moduleFault, type Rules } from "./module.ts";
import { webhooks } from "./webhooks.ts";

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string; object: KubeObject | null; oldObject: KubeObject | null };
}

/** A request's path → what is said against it. */
type Validators = Record<string, (request: Review["request"]) => string | undefined>;

const validators = (rules: Rules): Validators => ({
  "/validate-kmm-sigs-x-k8s-io-v1beta1-module": ({ object, oldObject }) =>
    moduleFault(rules, object as Module, (oldObject ?? undefined) as Module | undefined),
  "/validate-kmm-sigs-x-k8s-io-v1beta2-preflightvalidationocp": ({ object }) =>
    kernelVersionFault((object as Preflight).spec.kernelVersion),
  // Called only for namespaces with KMM's label.
  "/validate--v1-namespace": () =>
    "namespace contains one or more Module resources; delete those before deleting the namespace",
});

/** At least three parts, whatever they are. */
function kernelVersionFault(version: string): string | undefined {
  if (version === "") return "kernelVersion cannot be empty";
  return version.split(/[.,-]/).length < 3 ? `invalid kernelVersion ${version}` : undefined;
}

interface ClusterVersion extends KubeObject {
  status?: { desired?: { version?: string } };
}

const clusterVersions: Resource<ClusterVersion> = {
  group: "config.openshift.io",
  version: "v1",
  plural: "clusterversions",
  kind: "ClusterVersion",
  namespaced: false,
};

const configurations: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingwebhookconfigurations",
  kind: "ValidatingWebhookConfiguration",
  namespaced: false,
};

/**
 * Serves KMM's validating webhooks on a free port of 127.0.0.1 and registers them. The registration stays when the server
 * stops: without KMM nothing can change a Module, as on a real cluster. Nothing is answered while none of `pods` runs.
 */
export async function startAdmission(kube: Kube, line: Line, pods: { readonly serve: boolean }): Promise<Running> {
  const { status } = await kube.get(clusterVersions, { name: "version" });
  const table = validators({ line, openshift: status?.desired?.version ?? "" });
  const { cert, key } = await loopbackCertificate();
  const server = createServer({ cert, key }, (request, response) => {
    // Its Service would have no endpoint.
    if (!pods.serve) return void response.destroy();
    answer(table, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await kube.apply(configurations, webhooks(`https://127.0.0.1:${port}`, Buffer.from(cert).toString("base64")), "kmm");
  return {
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(table: Validators, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const review = (await json(request)) as Review;
  const validator = table[new URL(request.url ?? "/", "https://localhost").pathname];
  const fault = validator === undefined ? `no webhook at ${request.url ?? "/"}` : validator(review.request);
  const { apiVersion, kind } = review;
  const refusal = fault === undefined ? {} : { status: { code: 403, reason: "Forbidden", message: fault } };
  const body = { apiVersion, kind, response: { uid: review.request.uid, allowed: fault === undefined, ...refusal } };
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
