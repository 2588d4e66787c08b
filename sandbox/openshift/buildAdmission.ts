import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Running } from "../gateway/gateway.ts";
import { loopbackCertificate } from "../kmm/admission/certificate.ts";
import type { Kube, KubeObject, Resource } from "../kube.ts";
import type { Build } from "./resources.ts";

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string; object: Build };
}

const configurations: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "mutatingwebhookconfigurations",
  kind: "MutatingWebhookConfiguration",
  namespaced: false,
};

/**
 * What OpenShift's API server does to a new Build and a schema can't: an empty phase becomes `New` (PrepareForCreate in
 * its Build strategy). A client in Go that knows the type sends the empty one; a default is for an absent one only.
 */
export async function startBuildAdmission(kube: Kube): Promise<Running> {
  const { cert, key } = await loopbackCertificate();
  const server = createServer({ cert, key }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await kube.apply(configurations, registration(`https://127.0.0.1:${port}/`, Buffer.from(cert).toString("base64")));
  return {
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function registration(url: string, caBundle: string): KubeObject {
  const rules = [
    { apiGroups: ["build.openshift.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["builds"] },
  ];
  const webhook = {
    name: "builds.openshift.sandbox",
    clientConfig: { url, caBundle },
    rules,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    failurePolicy: "Fail",
    timeoutSeconds: 10,
  };
  const configuration = { metadata: { name: "sandbox-openshift-builds" }, webhooks: [webhook] };
  return configuration;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { apiVersion, kind, request: asked } = (await json(request)) as Review;
  const phase: string | undefined = asked.object.status?.phase;
  const operations = [{ op: "replace", path: "/status/phase", value: "New" }];
  const patch = { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
  const body = { apiVersion, kind, response: { uid: asked.uid, allowed: true, ...(phase === "" ? patch : {}) } };
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
