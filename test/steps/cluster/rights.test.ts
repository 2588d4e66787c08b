/** Whether preview finds out what its user may not do. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { goodCluster, inspect } from "../inspecting.ts";

const all = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
/** All but what concerns pods. */
const withoutPods = [
  { ...all, apiGroups: ["apps", "policy", "rbac.authorization.k8s.io", "coordination.k8s.io", "apiextensions.k8s.io"] },
  { ...all, apiGroups: ["kmm.sigs.x-k8s.io", "build.openshift.io", "image.openshift.io", "operators.coreos.com"] },
  { ...all, apiGroups: ["config.openshift.io", "imageregistry.operator.openshift.io", "security.openshift.io"] },
  { ...all, apiGroups: ["machineconfiguration.openshift.io", "remediation.medik8s.io", "machine.openshift.io"] },
  { ...all, apiGroups: [""], resources: ["namespaces", "nodes", "secrets", "configmaps", "serviceaccounts"] },
];

function cluster(t: TestContext) {
  const made = goodCluster(t);
  made.answerRaw("rules", JSON.stringify(withoutPods));
  return made;
}

test("all that the user may not do is one problem, which says where and what to do, and the first refusal isn't another", async (t) => {
  const refusing = cluster(t);
  refusing.fail("get (\\S+,)?nodes\\b", "Error from server (Forbidden): nodes is forbidden: User x cannot list", 2);
  const { problems } = await inspect(refusing);
  assert.equal(problems.length, 1);
  assert.match(
    problems[0] ?? "",
    /^cluster: the account of the context "fake" may not:\n {6}get, list pods in the whole cluster\n {6}create pods\/eviction in the whole cluster\n {6}delete pods in namespace onload-kmm\n.*npm run rbac.*\[OKMM-CLUSTER-RIGHTS\]$/s,
  );
});

test("what rules don't list and another authorizer allows is no problem", async (t) => {
  const allowing = cluster(t);
  allowing.answerRaw("allowed", "true");
  assert.deepEqual((await inspect(allowing)).problems, []);
});

test("each namespace has rules of its own", async (t) => {
  const made = goodCluster(t);
  made.answerRaw("rules/kube-node-lease", "[]");
  const { problems } = await inspect(made);
  assert.match(
    problems.join(),
    /may not:\n {6}get, create, update, patch, delete leases\.coordination\.k8s\.io in namespace kube-node-lease\n {4}`npm/,
  );
});

test("rights that only next kernels need are asked for with them", async (t) => {
  const made = goodCluster(t);
  const asked = (): string => made.calls.map(({ stdin }) => stdin).join();
  made.answerRaw("rules", "[]");
  await inspect(made);
  assert.doesNotMatch(asked(), /preflightvalidationsocp/);
  await inspect(made, { change: { nextKernels: true } });
  assert.match(asked(), /preflightvalidationsocp/);
});

test("where nobody may ask about itself, what is refused is told as it is met", async (t) => {
  const made = goodCluster(t);
  made.fail("create -f - -o jsonpath", "Error from server (Forbidden): selfsubjectrulesreviews is forbidden");
  // Together with others first, and alone then.
  made.fail("get (\\S+,)?nodes\\b", "Error from server (Forbidden): nodes is forbidden: User x cannot list", 2);
  const { problems } = await inspect(made);
  assert.match(problems.join(), /^cluster: kubectl get nodes .*nodes is forbidden.*\[OKMM-KUBECTL-FAILED\]$/);
});
