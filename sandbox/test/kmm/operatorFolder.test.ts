import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { operatorFiles, operatorFolder, operatorLine } from "../../kmm/operator/folder.ts";

const CRD = "kmm.sigs.x-k8s.io";

describe("a folder with KMM's own programs", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kmm-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function fill(crds: string, modules = "", manager = ""): Promise<void> {
    await mkdir(join(folder, crds), { recursive: true });
    await writeFile(join(folder, crds, `${CRD}_modules.yaml`), modules);
    for (const name of ["manager", "webhook-server"]) {
      await writeFile(join(folder, name), name === "manager" ? manager : "");
      await chmod(join(folder, name), 0o755);
    }
  }

  test("is what has a slash in it, or is there; all else is something else", () => {
    const env = { INIT_CWD: folder };
    assert.equal(operatorFolder("./kmm-2.7", env), join(folder, "kmm-2.7"));
    assert.equal(operatorFolder(folder, {}), folder);
    assert.equal(operatorFolder("2.7", env), undefined);
  });

  test("named without a slash is found where the user is", async () => {
    await mkdir(join(folder, "2.7"));
    assert.equal(operatorFolder("2.7", { INIT_CWD: folder }), join(folder, "2.7"));
  });

  test("without its files is refused with all that was looked for", async () => {
    assert.throws(
      () => operatorFiles(folder),
      /--kmm \S+: not a folder with .*: no executable manager, no executable webhook-server, no config\/crd\/bases\/kmm\.sigs\.x-k8s\.io_modules\.yaml or crds\/kmm/,
    );
    await fill("crds");
    await chmod(join(folder, "webhook-server"), 0o644);
    assert.throws(() => operatorFiles(folder), /Management operator: no executable webhook-server;/);
  });

  for (const crds of ["config/crd/bases", "crds"]) {
    test(`may have its CRDs in ${crds}; other files there are left alone`, async () => {
      await fill(crds);
      for (const name of [`${CRD}_bootmoduleconfigs.yaml`, "hub.kmm.sigs.x-k8s.io_managedclustermodules.yaml"]) {
        await writeFile(join(folder, crds, name), "");
      }
      assert.deepEqual(operatorFiles(folder), {
        manager: join(folder, "manager"),
        webhookServer: join(folder, "webhook-server"),
        crds: ["bootmoduleconfigs", "modules"].map((kind) => join(folder, crds, `${CRD}_${kind}.yaml`)),
      });
    });
  }

  test("its line is told by its CRDs, and later 2.4 from 2.4.1 by its manager", async () => {
    const field = (name: string): string =>
      `            properties:\n              ${name}:\n                type: object\n`;
    await fill("crds", field("moduleLoader"), "kernel.NormalizeVersion");
    assert.equal(operatorLine(operatorFiles(folder)), "2.4.1");
    await fill("crds", field("moduleLoader"), "kernel.DNSSafeKernelVersion");
    assert.equal(operatorLine(operatorFiles(folder)), "2.4");
    await writeFile(join(folder, "crds", `${CRD}_bootmoduleconfigs.yaml`), "");
    assert.equal(operatorLine(operatorFiles(folder)), "2.5");
    await fill("crds", field("imageRebuildTriggerGeneration"));
    assert.equal(operatorLine(operatorFiles(folder)), "2.6");
    await fill("crds", field("dra") + field("imageRebuildTriggerGeneration"));
    assert.equal(operatorLine(operatorFiles(folder)), "2.7");
  });
});
