/** Each right of core/cluster/rights.ts is needed: without it alone, preview's look names just that. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startSandbox, type Sandbox } from "@onload-kmm/sandbox/sandbox";
import { rightsOf } from "../../core/cluster/rights.ts";
import { inWords, needsOf } from "../../core/cluster/rightsGranted.ts";
import { Account, isForWords, isSame } from "./account.ts";
import { namespace, other, plain } from "./settings.ts";

const refusal = /is attempting to grant RBAC permissions not currently held/;

describe("each right", { concurrency: false }, () => {
  let sandbox: Sandbox;
  let account: Account;

  before(async () => {
    sandbox = await startSandbox({ nodes: 1 });
    account = await Account.make(sandbox, plain);
  });
  after(() => sandbox.stop({ purge: true }));

  for (const settings of [plain, other]) {
    test(`alone, taken away, is what preview names: ${settings.strategy}`, async () => {
      await account.grant(settings);
      const before = settings === plain ? [] : rightsOf(plain).flatMap(needsOf);
      const needs = rightsOf(settings)
        .flatMap(needsOf)
        .filter((need) => !isForWords(need) && !before.some((each) => isSame(each, need)));
      assert.ok(needs.length > 3);
      for (const need of needs) {
        await account.take(settings, (each) => isSame(each, need));
        const missing = await account.missing(settings, (found) => found.some((each) => isSame(each, need)));
        assert.deepEqual(inWords(missing), inWords([need]));
      }
    });
  }

  test("to bind it: without that the SCC's role can't be bound, and no other can in any case", async () => {
    await account.grant(plain);
    const bind = (role: string) =>
      account.kubectl(
        ["apply", "--server-side", "--dry-run=server", "-f", "-"],
        JSON.stringify({
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "RoleBinding",
          metadata: { name: "onload-kmm-module-privileged", namespace },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
          subjects: [{ kind: "ServiceAccount", name: "onload-kmm-module", namespace }],
        }),
      );
    await bind("system:openshift:scc:privileged");
    await assert.rejects(bind("cluster-admin"), refusal);
    await account.take(plain, ({ verb }) => verb === "bind");
    await account.missing(plain, (found) => found.length === 1);
    await assert.rejects(bind("system:openshift:scc:privileged"), refusal);
  });
});
