import type { IncomingMessage, ServerResponse } from "node:http";
import { type Kube, KubeError } from "../kube.ts";

/** One request to the gateway, with what its handlers need. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  namespace: string;
  name: string;
}

/** What a caller must be allowed to do (`SelfSubjectAccessReview`). */
export interface Access {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

interface Review {
  status: { allowed: boolean; reason?: string };
}

/** Answers JSON. */
export function answerJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Answers a `Status` object, as the API server does for every error. */
export function answerStatus(response: ServerResponse, code: number, reason: string, message: string): void {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  answerJson(response, code, status);
}

/** Answers what went wrong: the API server's own answer where there was one, else 500. */
export function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof KubeError) answerStatus(response, error.status, error.reason, message);
  else answerStatus(response, 500, "InternalError", message);
}

/** Throws the API server's answer (401, or 403 as RBAC would word it) unless the caller's own token permits this. */
export async function authorize(kube: Kube, request: IncomingMessage, access: Access): Promise<void> {
  const { group, resource, subresource, verb, namespace, name } = access;
  const review = {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    spec: { resourceAttributes: access },
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const answer = await kube.withToken(request.headers.authorization ?? "").raw("POST", path, review);
  if ((answer as Review).status.allowed) return;
  const message =
    `${resource}.${group} "${name}" is forbidden: cannot ${verb} resource "${resource}/${subresource}" ` +
    `in API group "${group}" in the namespace "${namespace}"`;
  throw new KubeError(403, { message, reason: "Forbidden", code: 403 }, message);
}
