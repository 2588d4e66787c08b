/** A pod that reads its node's files: what it finds, and what is refused. The kubelet's part of it runs in the stack's tests. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readsHostFiles, runHostPod } from "../../nodes/hostPod.ts";
import type { Container, ContainerStatus, Pod } from "../../nodes/shapes.ts";

const root = mkdtempSync(join(tmpdir(), "onload-kmm-host-"));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "etc/ssh"), { recursive: true });
for (const type of ["ecdsa", "ed25519"]) writeFileSync(join(root, `etc/ssh/ssh_host_${type}_key.pub`), `${type} key\n`);
writeFileSync(join(root, "etc/ssh/sshd_config"), "Port 22\n");

const image = { digest: `sha256:${"7".repeat(64)}`, paths: [], modules: [] };

function podOf(script: string, container: Partial<Container> = {}, path = "/etc/ssh"): Pod {
  return {
    metadata: { name: "reads", namespace: "test" },
    spec: {
      containers: [
        {
          name: "read",
          image: "tools",
          command: ["/bin/sh", "-c", script],
          terminationMessagePolicy: "FallbackToLogsOnError",
          volumeMounts: [{ name: "host", mountPath: "/host/etc/ssh" }],
          securityContext: { seLinuxOptions: { type: "spc_t" } },
          ...container,
        },
      ],
      volumes: [{ name: "host", hostPath: { path, type: "Directory" } }],
    },
  };
}

function run(pod: Pod): { phase: unknown; state: ContainerStatus["state"] | undefined } {
  const { phase, containerStatuses } = runHostPod(pod, image, root);
  return { phase, state: (containerStatuses as ContainerStatus[])[0]?.state };
}

describe("a pod with a hostPath", () => {
  const keys = "cat /host/etc/ssh/ssh_host_*_key.pub > /dev/termination-log";

  test("reads the files that its pattern fits, through its own mount", () => {
    const { phase, state } = run(podOf(keys));
    assert.equal(phase, "Succeeded");
    assert.deepEqual([state?.terminated?.exitCode, state?.terminated?.message], [0, "ecdsa key\ned25519 key\n"]);
  });

  test("fails on a file that isn't there, or is outside of its mounts, in cat's words", () => {
    for (const path of ["/host/etc/ssh/*.nothing", "/etc/ssh/sshd_config"]) {
      const { phase, state } = run(podOf(`cat ${path} > /dev/termination-log`));
      assert.deepEqual([phase, state?.terminated?.exitCode], ["Failed", 1]);
      assert.equal(state?.terminated?.message, `cat: ${path}: No such file or directory\n`);
    }
  });

  test("may read nothing where SELinux confines it; privileged it may", () => {
    const { state } = run(podOf(keys, { securityContext: {} }));
    assert.match(
      state?.terminated?.message ?? "",
      /^cat: \/host\/etc\/ssh\/ssh_host_ecdsa_key.pub: Permission denied\n/,
    );
    assert.equal(run(podOf(keys, { securityContext: { privileged: true } })).phase, "Succeeded");
  });

  test("tells nothing of its failure unless its policy asks for that", () => {
    const { state } = run(podOf("cat /host/etc/ssh/none > /dev/termination-log", { terminationMessagePolicy: "File" }));
    assert.deepEqual([state?.terminated?.exitCode, state?.terminated?.message], [1, undefined]);
  });

  test("doesn't start where its directory is missing", () => {
    const { phase, state } = run(podOf(keys, {}, "/etc/nothing"));
    assert.equal(phase, "Pending");
    assert.equal(state?.waiting?.message, "hostPath type check failed: /etc/nothing is not a directory");
  });

  test("is refused with any other command", () => {
    for (const script of ["reboot", `${keys}; reboot`, "cat /host/etc/ssh/a"]) {
      const { phase, state } = run(podOf(script));
      assert.deepEqual([phase, state?.waiting?.reason], ["Pending", "CreateContainerError"], script);
    }
  });

  test("is told from pods without one", () => {
    assert.equal(readsHostFiles(podOf(keys)), true);
    const pod: Pod = { metadata: { name: "plain" }, spec: { containers: [], volumes: [{ name: "memory" }] } };
    assert.equal(readsHostFiles(pod), false);
  });
});
