/** deploy/audit-policy.yaml on the sandbox's API server. */
import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { filesOf } from "@onload-kmm/sandbox/controlPlane/state";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import { parse } from "yaml";

interface AuditEvent {
  readonly level: string;
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

/** From now on the API server keeps what this policy says. */
export async function useAuditPolicy(sandbox: Sandbox): Promise<void> {
  await copyFile(join(projectRoot, "deploy", "audit-policy.yaml"), filesOf(sandbox.dir).auditPolicy);
  await sandbox.restart("kube-apiserver");
}

/** Of these, changes must be there with their content after a roll-out. */
const changed = ["nodes", "modules", "buildconfigs"];
const writes = ["create", "update", "patch"];

/** After a roll-out: each change that matters is there with its content, and of Secrets who did what alone. */
export async function assertAudited(sandbox: Sandbox): Promise<void> {
  await applyInYaml(sandbox, "worker-1");
  const all = await eventsOf(sandbox);
  assert.ok(
    all.some(({ verb, user, requestURI }) => verb === "patch" && user.username === "admin" && isOurs(requestURI)),
    "an apply in YAML is told in one stage at least",
  );

  const answered = all.filter(({ stage }) => stage === "ResponseComplete");
  for (const resource of changed) {
    const done = answered.filter((event) => isWrite(event) && event.user.username === "admin" && isOf(event, resource));
    assert.ok(done.length > 0, resource);
    for (const { level, requestObject } of done)
      assert.ok(level === "Request" && requestObject !== undefined, resource);
  }

  const secrets = answered.filter((event) => isOf(event, "secrets"));
  assert.ok(secrets.some(isWrite));
  assert.ok(
    secrets.some(({ verb, user }) => verb === "get" && user.username !== "admin"),
    "KMM or a build read the key",
  );
  for (const event of [...secrets, ...answered.filter((each) => isOf(each, "buildconfigs/instantiatebinary"))]) {
    assert.deepEqual([event.level, event.requestObject, event.responseObject], ["Metadata", undefined, undefined]);
  }
}

const isWrite = ({ verb }: AuditEvent): boolean => writes.includes(verb);

function isOf({ objectRef = {} }: AuditEvent, resource: string): boolean {
  return [objectRef.resource, objectRef.subresource].filter((part) => part !== undefined).join("/") === resource;
}

const fieldManager = "audit-in-yaml";
const isOurs = (uri: string): boolean => uri.includes(`fieldManager=${fieldManager}`);

/** As Pulumi's provider applies: the body is YAML and no JSON. */
async function applyInYaml({ kubeconfig, dir }: Sandbox, node: string): Promise<void> {
  const { clusters, users } = parse(await readFile(kubeconfig, "utf8")) as {
    clusters: { cluster: { server: string } }[];
    users: { user: { token: string } }[];
  };
  const body = `apiVersion: v1\nkind: Node\nmetadata:\n  name: ${node}\n  annotations:\n    audited: "yes"\n`;
  const headers = {
    authorization: `Bearer ${users[0]?.user.token ?? ""}`,
    "content-type": "application/apply-patch+yaml",
  };
  const url = `${clusters[0]?.cluster.server ?? ""}/api/v1/nodes/${node}?fieldManager=${fieldManager}`;
  const ca = await readFile(filesOf(dir).ca);
  const status = await new Promise((resolve, reject) => {
    const call = request(url, { method: "PATCH", ca, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.on("error", reject);
    call.end(body);
  });
  assert.equal(status, 200);
}

/** Everything since the policy is in force: what came before was written by the sandbox's own. */
async function eventsOf(sandbox: Sandbox): Promise<AuditEvent[]> {
  const text = await readFile(filesOf(sandbox.dir).auditLog, "utf8");
  const events = text
    .slice(0, text.lastIndexOf("\n"))
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEvent);
  const first = events.findIndex(({ level }) => level === "Request");
  assert.ok(first !== -1, "nothing at level Request");
  return events.slice(first);
}
