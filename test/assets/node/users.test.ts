/** Who holds the modules, as the on-node tool `users` tells it, under every small shell that is installed here. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FakeNode } from "./fakeNode.ts";
import { answerOf, shells } from "./shells.ts";

const uid = "0a1b2c3d-1111-2222-3333-444455556666";
const slice = `kubepods-burstable-pod${uid.replaceAll("-", "_")}.slice`;
const user = (name: string, holds: string, pod: string | null = null) => ({ name, holds, pod });

for (const shell of shells) {
  describe(`who holds the modules, under ${shell.join(" ")}`, () => {
    let node: FakeNode;
    beforeEach(() => (node = new FakeNode()));
    afterEach(() => node.remove());

    const users = () => (answerOf(node, shell, "users", []) as { users: unknown[] }).users;
    const open = (pid: number, name: string, ...files: string[]) => {
      node.file(`root/proc/${pid}/comm`, `${name}\n`);
      for (const [at, file] of files.entries()) node.link(`root/proc/${pid}/fd/${at}`, file);
    };

    test("nobody", () => {
      open(9, "sshd", "/dev/null", "/tmp/dev/onload", "/dev/mtd0", "/dev/vfio/45");
      node.file("root/sys/class/mtd/mtd0/name", "BIOS\n");
      assert.deepEqual(users(), []);
    });

    test("processes with a device or a socket of OpenOnload's, each once", () => {
      open(4242, "nginx", "/dev/null", "/dev/onload", "/dev/onload_epoll");
      open(7, "onload_cp_server", "/dev/onload");
      open(8, "handed over", "socket:[1]", "onload:[tcp:0:17]");
      open(10, "efvi", "/dev/sfc_char");
      assert.deepEqual(users(), [
        user("onload_cp_server (7)", "/dev/onload"),
        user("handed over (8)", "onload:[tcp:0:17]"),
        user("efvi (10)", "/dev/sfc_char"),
        user("nginx (4242)", "/dev/onload"),
      ]);
    });

    for (const [version, cgroup] of [
      [
        "2, as systemd lays it out",
        `0::/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${"ab".repeat(32)}.scope`,
      ],
      ["1", `12:cpuset:/\n4:memory:/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${"cd".repeat(32)}.scope`],
      ["2, as cgroupfs lays it out", `0::/kubepods/burstable/pod${uid}/${"ef".repeat(32)}`],
    ] as const) {
      test(`the pod of a process, by control groups of version ${version}`, () => {
        open(4242, "nginx", "/dev/onload");
        node.file("root/proc/4242/cgroup", `${cgroup}\n`);
        open(77, "daemon", "/dev/onload");
        node.file("root/proc/77/cgroup", "0::/system.slice/daemon.service\n");
        assert.deepEqual(users(), [user("daemon (77)", "/dev/onload"), user("nginx (4242)", "/dev/onload", uid)]);
      });
    }

    test("in-tree sfc: a card's flash, and a virtual function that vfio-pci serves", () => {
      node.file("root/sys/class/mtd/mtd0/name", "BIOS\n");
      node.file("root/sys/class/mtd/mtd1/name", "ens1f0 sfc_mcfw:0b\n");
      const vf = "root/sys/bus/pci/drivers/sfc/0000:3b:00.0/virtfn0";
      node.link(`${vf}/iommu_group`, "../../../../kernel/iommu_groups/45");
      node.file(`${vf}/vfio-dev/vfio3/dev`, "511:3\n");
      open(1, "flashrom", "/dev/mtd0");
      open(2, "sfupdate", "/dev/mtd1");
      open(3, "qemu-kvm", "/dev/vfio/45");
      open(4, "other VM", "/dev/vfio/46", "/dev/vfio/devices/vfio4");
      open(5, "newer VM", "/dev/vfio/devices/vfio3");
      assert.deepEqual(users(), [
        user("sfupdate (2)", "/dev/mtd1"),
        user("qemu-kvm (3)", "/dev/vfio/45"),
        user("newer VM (5)", "/dev/vfio/devices/vfio3"),
      ]);
    });

    test("other modules", () => {
      for (const [held, holder] of [
        ["sfc", "sfc_driverlink_user"],
        ["sfc", "sfc_resource"],
        ["sfc_resource", "onload"],
        ["sfc_char", "filter"],
        ["onload", "filter"],
      ] as const) {
        node.file(`root/sys/module/${held}/holders/${holder}/refcnt`, "0\n");
      }
      assert.deepEqual(users(), [user("module filter", "onload"), user("module sfc_driverlink_user", "sfc")]);
    });

    for (const [what, refcnt, taint, expected] of [
      ["in-tree sfc, in use by nobody who can be named", "2", "", [user("the kernel", "sfc")]],
      ["in-tree sfc, in use by a module alone", "1", "", []],
      ["in-tree sfc, unused", "0", "", []],
      ["OpenOnload's, which holds itself", "4", "OE", []],
    ] as const) {
      test(`the kernel: ${what}`, () => {
        node.file("root/sys/module/sfc/refcnt", `${refcnt}\n`);
        node.file("root/sys/module/sfc/taint", `${taint}\n`);
        if (refcnt !== "0") node.file("root/sys/module/sfc/holders/sfc_resource/refcnt", "0\n");
        assert.deepEqual(users(), expected);
      });
    }

    test("the kernel's count is a process's that is named", () => {
      node.file("root/sys/module/sfc/refcnt", "1\n");
      node.file("root/sys/class/mtd/mtd1/name", "ens1f0 sfc_mcfw:0b\n");
      open(2, "sfupdate", "/dev/mtd1");
      assert.deepEqual(users(), [user("sfupdate (2)", "/dev/mtd1")]);
    });
  });
}
