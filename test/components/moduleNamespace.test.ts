import assert from "node:assert/strict";
import { test } from "node:test";
import { ModuleNamespace } from "../../components/moduleNamespace.ts";
import { parsePolicy } from "../../core/configuration/policy.ts";
import { named, record } from "./harness.ts";

const policy = { ...parsePolicy(), nodes: ["worker-1", "worker-2"] };
const remade = { module: { since: "2026-11-25T03:00:00.000Z", isGone: true } };
const cluster = { kubeconfig: "kubeconfig", context: "c", id: "id" };

test("the namespace lets KMM's privileged workers in, and says whose it is", async () => {
  const all = await record(
    () => new ModuleNamespace("onload", { stack: "dev", cluster, remade, namespace: "onload-kmm", policy }, {}),
  );

  const { inputs, parent } = named(all, "onload", ":Namespace");
  assert.deepEqual(inputs["metadata"], {
    name: "onload-kmm",
    annotations: {
      "pulumi.com/patchFieldManager": "onload-kmm-dev",
      "policy.onload-kmm.io/rollout.maxParallel": "1",
      "policy.onload-kmm.io/rollout.drain": "true",
      "policy.onload-kmm.io/rollout.drainTimeoutMinutes": "15",
      "policy.onload-kmm.io/rollout.loadTimeoutMinutes": "15",
      "policy.onload-kmm.io/enrolment.mode": '"attended"',
      "policy.onload-kmm.io/enrolment.timeoutMinutes": "60",
      "policy.onload-kmm.io/enrolment.removeOnDestroy": "false",
      "policy.onload-kmm.io/build.timeoutMinutes": "60",
      "policy.onload-kmm.io/nodes": '["worker-1","worker-2"]',
      "remade.onload-kmm.io/module": "2026-11-25T03:00:00.000Z",
    },
    labels: {
      "app.kubernetes.io/managed-by": "onload-kmm",
      "onload-kmm.io/stack": "dev",
      "pod-security.kubernetes.io/audit": "privileged",
      "pod-security.kubernetes.io/enforce": "privileged",
      "pod-security.kubernetes.io/warn": "privileged",
      "security.openshift.io/scc.podSecurityLabelSync": "false",
    },
  });
  assert.equal(parent, "onload");
});

test("the workers' ServiceAccount may use the privileged SCC, by RBAC", async () => {
  const all = await record(
    () => new ModuleNamespace("onload", { stack: "dev", cluster, remade, namespace: "onload-kmm", policy }, {}),
  );

  const binding = named(all, "onload-privileged");
  assert.deepEqual(binding.inputs["roleRef"], {
    apiGroup: "rbac.authorization.k8s.io",
    kind: "ClusterRole",
    name: "system:openshift:scc:privileged",
  });
  assert.deepEqual(binding.inputs["subjects"], [
    { kind: "ServiceAccount", name: "onload-kmm-module", namespace: "onload-kmm" },
  ]);
  assert.deepEqual(binding.dependencies, ["onload", "onload-worker"]);
});
