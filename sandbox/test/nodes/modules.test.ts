import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { imageTree } from "../../nodes/images.ts";
import { fingerprintOf, newMachine, type Machine, type StoredImage } from "../../nodes/machine.ts";
import { hostTree, modprobe, modprobeRemove, parseSoftdeps, type ModuleTree } from "../../nodes/modules.ts";

const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const root = `/opt/lib/modules/${kernel}`;
const certificate = { der: Buffer.from("a certificate").toString("base64") };

const machine = (secureBoot = false): Machine =>
  newMachine({ name: "worker-1", kernel, osImage: "RHCOS 9.6", role: "worker", solarflare: true, secureBoot });

function image(signer: string | null, paths = ["kernel", "modules.dep"]): StoredImage {
  const modules = ["onload", "sfc", "sfc_char", "sfc_resource"].map((name) => ({
    name,
    path: `${root}/extra/${name}.ko`,
    outOfTree: true,
    version: "9.0.2.140",
    srcversion: "0123",
    kernel,
    needs: null,
    signer: signer === null ? null : "Onload",
    signerFingerprint: signer,
  }));
  const all = [...modules.map((file) => file.path), ...paths.map((name) => `${root}/${name}`)];
  return { digest: "sha256:0", paths: all, modules };
}

const tree = (target: Machine, stored: StoredImage, softdeps = "softdep onload pre: sfc\n"): ModuleTree => ({
  ...imageTree(target, stored, { dirName: "/opt", kernel }),
  softdeps: parseSoftdeps(softdeps),
});

const names = (target: Machine): string[] => target.modules.map((module) => module.name);

function withoutInTree(secureBoot = false): Machine {
  const target = machine(secureBoot);
  modprobeRemove(target, hostTree(target), ["sfc"]);
  return target;
}

describe("loading modules", () => {
  test("a node with Solarflare interfaces boots with in-tree sfc, which takes mtd with it when it goes", () => {
    const target = machine();
    assert.deepEqual(names(target), ["mtd", "sfc"]);
    assert.deepEqual(modprobeRemove(target, hostTree(target), ["sfc"]), { code: 0, lines: ["rmmod sfc", "rmmod mtd"] });
    assert.deepEqual(names(target), []);
  });

  test("[onload, sfc] loads in the order that kmod 30 was seen to take", () => {
    const target = withoutInTree();
    assert.equal(modprobe(target, tree(target, image(null)), "onload").code, 0);
    assert.deepEqual(names(target), ["sfc_resource", "sfc_char", "mtd", "sfc", "onload"]);
  });

  test("the order of four loads mtd and sfc first", () => {
    const target = withoutInTree();
    const softdeps =
      "softdep onload pre: sfc_char\nsoftdep sfc_char pre: sfc_resource\nsoftdep sfc_resource pre: sfc\n";
    assert.equal(modprobe(target, tree(target, image(null), softdeps), "onload").code, 0);
    assert.deepEqual(names(target), ["mtd", "sfc", "sfc_resource", "sfc_char", "onload"]);
  });

  test("with in-tree sfc live, onload loads and sfc silently stays in-tree", () => {
    const target = machine();
    assert.equal(modprobe(target, tree(target, image(null)), "onload").code, 0);
    assert.equal(target.modules.find((module) => module.name === "sfc")?.outOfTree, false);
    assert.equal(target.modules.find((module) => module.name === "onload")?.outOfTree, true);
  });

  test("with in-tree sfc live, modprobe sfc succeeds at once and loads nothing", () => {
    const target = machine();
    assert.deepEqual(modprobe(target, tree(target, image(null)), "sfc"), { code: 0, lines: [] });
  });

  test("without the kernel symlink sfc can't find mtd: a soft dependency fails silently, a hard one doesn't", () => {
    const bare = image(null, ["modules.dep"]);
    const soft = withoutInTree();
    assert.equal(modprobe(soft, tree(soft, bare), "onload").code, 0);
    assert.deepEqual(names(soft), ["sfc_resource", "sfc_char", "onload"]);
    const hard = withoutInTree();
    const result = modprobe(hard, tree(hard, bare), "sfc");
    assert.equal(result.code, 1);
    assert.match(result.lines.at(-1) ?? "", /could not insert 'sfc': Unknown symbol in module/);
  });

  test("an image without depmod's index, or for another kernel, has no such module", () => {
    const target = withoutInTree();
    const expected = `modprobe: FATAL: Module onload not found in directory /tmp/opt/lib/modules/${kernel}`;
    assert.deepEqual(modprobe(target, tree(target, image(null, [])), "onload"), { code: 1, lines: [expected] });
    target.kernel = "5.14.0-570.60.1.el9_6.x86_64";
    const other = `modprobe: FATAL: Module onload not found in directory /tmp/opt/lib/modules/${target.kernel}`;
    assert.deepEqual(modprobe(target, tree(target, image(null)), "onload"), { code: 1, lines: [other] });
  });
});

describe("signatures", () => {
  const ours = fingerprintOf(certificate);

  for (const [title, signer, trusted] of [
    ["unsigned", null, false],
    ["signed by a stranger", "ab".repeat(32), false],
    ["signed by a key that nobody enrolled", ours, false],
    ["signed by an enrolled key", ours, true],
  ] as const) {
    test(`with Secure Boot on, a module that is ${title} ${trusted ? "loads" : "is refused"}`, () => {
      const target = withoutInTree(true);
      if (trusted) target.firmware.mokList.push(certificate);
      const result = modprobe(target, tree(target, image(signer)), "onload");
      assert.equal(result.code, trusted ? 0 : 1);
      const message = "modprobe: ERROR: could not insert 'sfc_resource': Key was rejected by service";
      assert.equal(result.lines.includes(message), !trusted);
    });
  }

  test("a key in db is trusted too, unless dbx holds it", () => {
    const target = withoutInTree(true);
    target.firmware.db.push(certificate);
    assert.equal(modprobe(target, tree(target, image(ours)), "onload").code, 0);
    const blocked = withoutInTree(true);
    blocked.firmware.db.push(certificate);
    blocked.firmware.dbx.push(certificate);
    assert.equal(modprobe(blocked, tree(blocked, image(ours)), "onload").code, 1);
  });

  test("with Secure Boot off anything loads", () => {
    const target = withoutInTree(false);
    assert.equal(modprobe(target, tree(target, image(null)), "onload").code, 0);
  });
});

describe("removing modules", () => {
  const loaded = (softdeps: string): { target: Machine; from: ModuleTree } => {
    const target = withoutInTree();
    const from = tree(target, image(null), softdeps);
    modprobe(target, from, "onload");
    if (softdeps === "") modprobe(target, from, "sfc");
    return { target, from };
  };

  test("with the softdep, removing onload also removes sfc", () => {
    const { target, from } = loaded("softdep onload pre: sfc\n");
    assert.equal(modprobeRemove(target, from, ["onload"]).code, 0);
    assert.deepEqual(names(target), []);
  });

  test("without it sfc stays", () => {
    const { target, from } = loaded("");
    assert.equal(modprobeRemove(target, from, ["onload"]).code, 0);
    assert.deepEqual(names(target), ["mtd", "sfc"]);
  });

  test("a module that another one uses is in use; one that isn't live is passed over; an unknown one is an error", () => {
    const { target, from } = loaded("");
    assert.deepEqual(modprobeRemove(target, from, ["sfc_resource"]), {
      code: 1,
      lines: ["modprobe: FATAL: Module sfc_resource is in use."],
    });
    modprobeRemove(target, from, ["onload"]);
    assert.deepEqual(modprobeRemove(target, from, ["onload"]), { code: 0, lines: [] });
    assert.equal(modprobeRemove(target, from, ["nonsense"]).code, 1);
  });
});
