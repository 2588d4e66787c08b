import assert from "node:assert/strict";
import { test } from "node:test";
import { isWrite, parseAuditLine, type AuditEntry } from "../../controlPlane/audit.ts";

function line(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/a/secrets/b?fieldManager=x",
    verb: "patch",
    user: { username: "admin", groups: ["system:masters"] },
    objectRef: { resource: "secrets", namespace: "a", name: "b", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: "2026-01-01T00:00:00.000001Z",
    stageTimestamp: "2026-01-01T00:00:00.000002Z",
    ...changes,
  });
}

function entry(changes: Record<string, unknown> = {}): AuditEntry {
  const parsed = parseAuditLine(line(changes));
  assert.ok(parsed);
  return parsed;
}

test("an entry tells who did what to which object, and the answer", () => {
  assert.deepEqual(entry(), {
    received: "2026-01-01T00:00:00.000001Z",
    answered: "2026-01-01T00:00:00.000002Z",
    user: "admin",
    verb: "patch",
    apiGroup: "",
    resource: "secrets",
    subresource: "",
    namespace: "a",
    name: "b",
    code: 200,
    uri: "/api/v1/namespaces/a/secrets/b?fieldManager=x",
    dryRun: false,
  });
});

test("a request is counted once, when it was answered", () => {
  assert.equal(parseAuditLine(line({ stage: "ResponseStarted" })), undefined);
});

test("a request for no resource has empty fields", () => {
  const { resource, name } = entry({ objectRef: undefined, requestURI: "/version", verb: "get" });
  assert.deepEqual([resource, name], ["", ""]);
});

test("reads, dry runs and reviews are no writes", () => {
  assert.ok(isWrite(entry()));
  assert.ok(isWrite(entry({ verb: "deletecollection" })));
  assert.ok(!isWrite(entry({ verb: "list" })));
  assert.ok(!isWrite(entry({ requestURI: "/api/v1/namespaces/a/secrets/b?dryRun=All" })));
  const review = { apiGroup: "authorization.k8s.io", resource: "selfsubjectaccessreviews" };
  assert.ok(!isWrite(entry({ verb: "create", objectRef: review })));
});
