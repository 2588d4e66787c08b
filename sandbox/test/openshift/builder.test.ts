import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { buildImage } from "../../openshift/builder/build.ts";
import { readContext } from "../../openshift/builder/context.ts";
import { parseDockerfile } from "../../openshift/builder/dockerfile.ts";
import { BuildFailure } from "../../openshift/builder/failure.ts";
import type { Files } from "../../openshift/builder/files.ts";
import { signFile } from "../../openshift/builder/signFile.ts";
import { expand, shellCommands } from "../../openshift/builder/variables.ts";
import { preloadImages } from "../../openshift/images.ts";
import { type ImageContent, Registry } from "../../openshift/registry.ts";
import { makeRelease } from "../../release/makeRelease.ts";
import { loopbackCertificate } from "../../kmm/admission/certificate.ts";
import { writeFile } from "node:fs/promises";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";

const KERNEL = "5.14.0-570.49.1.el9_6.x86_64";
const DTK = `quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:d7c${"570491".padStart(61, "0")}`;
const SRPM = "image-registry.openshift-image-registry.svc:5000/ns/onload-srpm:x";
const UBI = "registry.access.redhat.com/ubi9/ubi-minimal:9.6";

const asset = (name: string): Promise<string> => readFile(new URL(`../../../assets/${name}`, import.meta.url), "utf8");

interface Options {
  args?: Record<string, string>;
  context?: Files;
  mounts?: Map<string, Buffer>;
}

let state = "";
let registry: Registry;
let context: Files;

before(async () => {
  state = await mkdtemp(join(tmpdir(), "builder-"));
  registry = Registry.open(state);
  preloadImages(registry);
  context = await releaseContext(state);
});

after(() => rm(state, { recursive: true }));

/** The binary build context of the program's own source image, around the demonstration's release. */
async function releaseContext(directory: string): Promise<Files> {
  const made = await makeRelease(directory);
  const members = Object.entries(unzipSync(await readFile(made.package)));
  const [name = "", content = new Uint8Array()] = members.find(([each]) => each.endsWith(".src.rpm")) ?? [];
  const tar = pack();
  tar.entry({ name }, Buffer.from(content));
  for (const script of ["build-kmod.sh", "entitled-packages.sh"]) tar.entry({ name: script }, await asset(script));
  tar.finalize();
  const archive = join(directory, "context.tgz");
  await writeFile(archive, gzipSync(await buffer(tar)));
  return (await readContext(archive, directory)).files;
}

/** Builds, and answers the image and the log. */
async function build(
  dockerfile: string,
  options: Options = {},
): Promise<{ image: Omit<ImageContent, "createdBy">; log: string }> {
  const lines: string[] = [];
  const image = await buildImage({
    recipe: parseDockerfile(dockerfile),
    buildArgs: options.args ?? {},
    context: options.context ?? (new Map() as Files),
    mounts: options.mounts ?? new Map(),
    pull: (reference) => Promise.resolve(registry.resolve(reference)),
    say: (line) => lines.push(line),
    pace: () => Promise.resolve(),
  });
  return { image, log: lines.join("\n") };
}

const failure = (reason: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BuildFailure, String(error));
  assert.equal(error.reason, reason);
  assert.match(error.message, text);
  return true;
};

describe("the project's own Dockerfiles", () => {
  before(async () => {
    const { image } = await build(await asset("srpm.Dockerfile"), { context });
    registry.push(SRPM, { createdBy: "test", ...image });
  });

  test("driver-toolkit: the four modules for the kernel that was asked for, and no more", async () => {
    const args = { SRPM_IMAGE: SRPM, DTK_AUTO: DTK, KERNEL_FULL_VERSION: KERNEL, KERNEL_VERSION: KERNEL };
    const { image, log } = await build(await asset("driver-toolkit.Dockerfile"), { args });
    const modules = Object.values(image.files).filter(({ kind }) => kind === "kmod");
    assert.deepEqual(
      modules.map(({ module, kernel }) => [module, kernel]),
      ["sfc", "sfc_resource", "sfc_char", "onload"].map((module) => [module, KERNEL]),
    );
    const versions = new Set(modules.map(({ version }) => version));
    assert.equal(versions.size, 2, "sfc has a version of its own");
    assert.equal(image.files[`/opt/lib/modules/${KERNEL}/kernel`]?.target, `/lib/modules/${KERNEL}/kernel`);
    assert.ok("/bin/sh" in image.files, "KMM's worker needs a shell in it");
    assert.ok(!("/onload/build-kmod.sh" in image.files));
    assert.match(log, /\[Warning\] one or more build args were not consumed: \[KERNEL_VERSION\]/);
  });

  test("a Driver Toolkit of another kernel has no headers for this one", async () => {
    const args = { SRPM_IMAGE: SRPM, DTK_AUTO: DTK, KERNEL_FULL_VERSION: "5.14.0-1.el9_6.x86_64" };
    const dockerfile = await asset("driver-toolkit.Dockerfile");
    await assert.rejects(build(dockerfile, { args }), failure("DockerBuildFailed", /exit status 1$/));
  });

  test("entitled-ubi: builds with the entitlement mounted, fails without", async () => {
    const ubi = "registry.access.redhat.com/ubi9/ubi:9.6";
    const args = { SRPM_IMAGE: SRPM, KERNEL_FULL_VERSION: KERNEL, UBI_IMAGE: ubi };
    const dockerfile = await asset("entitled-ubi.Dockerfile");
    const mounts = new Map([["/run/secrets/etc-pki-entitlement/entitlement-key.pem", Buffer.from("x")]]);
    const { image } = await build(dockerfile, { args, mounts });
    assert.equal(image.files[`/opt/lib/modules/${KERNEL}/extra/onload.ko`]?.kernel, KERNEL);
    await assert.rejects(
      build(dockerfile, { args }),
      failure("DockerBuildFailed", /entitled-packages\.sh.*exit status 1$/),
    );
    const other = { ...args, UBI_IMAGE: "registry.access.redhat.com/ubi10/ubi:10.1" };
    await assert.rejects(build(dockerfile, { args: other, mounts }), failure("DockerBuildFailed", /exit status 1$/));
  });

  test("without SRPM_IMAGE the FROM line is empty", async () => {
    const args = { DTK_AUTO: DTK, KERNEL_FULL_VERSION: KERNEL };
    const dockerfile = await asset("driver-toolkit.Dockerfile");
    await assert.rejects(
      build(dockerfile, { args }),
      failure("DockerBuildFailed", /base name \(\$\{SRPM_IMAGE\}\) should not be blank/),
    );
  });
});

describe("a builder's rules", () => {
  test("a stage sees only the ARGs that it declares", async () => {
    const text = `ARG A=outside\nFROM ${UBI}\nRUN echo one $A\nARG A\nRUN echo two $A \${B:-none}\nFROM ${UBI}\nARG A=inner\nRUN echo three $A`;
    const { log } = await build(text);
    assert.deepEqual(log.match(/^(one|two|three).*$/gm), ["one", "two outside none", "three inner"]);
    assert.match((await build(text, { args: { A: "given" } })).log, /^three given$/m);
  });

  test("an image that isn't there can't be pulled", async () => {
    await assert.rejects(build("FROM quay.io/no/such:1"), failure("PullBuilderImageFailed", /manifest unknown/));
  });

  test("a source that isn't there can't be copied", async () => {
    await assert.rejects(
      build(`FROM ${UBI}\nCOPY *.zip /x/`),
      failure("DockerBuildFailed", /no items matching glob "\/\*\.zip"/),
    );
  });

  test("a directory's content is copied, a file goes into a directory", async () => {
    const files: Files = new Map([
      ["/a/b/c.txt", { text: "c" }],
      ["/d.txt", { text: "d" }],
    ]);
    const { image } = await build("FROM scratch\nWORKDIR /w\nCOPY a /x\nCOPY d.txt /y/\nCOPY d.txt z", {
      context: files,
    });
    assert.deepEqual(Object.keys(image.files).sort(), ["/w/z", "/x/b/c.txt", "/y/d.txt"]);
  });

  test("what it can't run is refused by name, never passed over", async () => {
    for (const [line, words] of [
      ["RUN dnf install -y gcc", /doesn't know: dnf install -y gcc/],
      ["RUN echo a | cat", /doesn't know the shell's "\|"/],
      ["RUN echo $(uname -r)", /doesn't know the shell's "\("/],
      ["ADD https://example.com/x /x", /doesn't know the instruction ADD/],
      ["COPY --link a b", /doesn't know COPY --link/],
    ] as const) {
      await assert.rejects(build(`FROM ${UBI}\n${line}`), failure("DockerBuildFailed", words));
    }
  });

  test("a loop runs over what matches, and ends as its last round did", async () => {
    const loop = (pattern: string, list: string): string => `RUN for f in ${pattern}; do \\\n  ${list}; \\\n done`;
    const context: Files = new Map(["/a/1.ko", "/a/2.ko", "/a/3.txt"].map((path) => [path, {}]));
    const run = (line: string) => build(`FROM ${UBI}\nCOPY a /a\n${line}`, { context });
    const { log } = await run(loop("/a/*.ko", '[ -e "${f}" ] && echo found $f'));
    assert.deepEqual(log.match(/^found .*$/gm), ["found /a/1.ko", "found /a/2.ko"]);
    // Tried with dash and bash: a pattern without a match stays as it is, and the test of it is the loop's exit code.
    for (const pattern of ["/a/*.o", "/a/1.ko /a/none"]) {
      await assert.rejects(run(loop(pattern, "[ -e $f ] && true")), failure("DockerBuildFailed", /exit status 1$/));
    }
    await run(loop("/a/none /a/1.ko", "[ -e $f ] && true"));
  });

  test("quotes, variables and && as a shell has them", () => {
    assert.deepEqual(shellCommands(`sh /x "\${K}" '$K' a"b"c && echo \\\n  end`, { K: "k v" }), [
      ["sh", "/x", "k v", "$K", "abc"],
      ["echo", "end"],
    ]);
    assert.equal(expand("$A-${A:+set}-${B:-else}-\\$A", { A: "1" }), "1-set-else-$A");
  });
});

describe("sign-file", () => {
  test("names the certificate's subject and fingerprint", async () => {
    const { cert, key } = await loopbackCertificate();
    const signed = signFile(Buffer.from(key), Buffer.from(cert), { size: 1000, sha256: "00" });
    const { raw } = new X509Certificate(cert);
    assert.equal(signed.signer, "kmm-operator-webhook");
    assert.equal(signed.signerFingerprint, createHash("sha256").update(raw).digest("hex"));
    assert.equal(signed.size, 1471);
    assert.deepEqual(
      signFile(Buffer.from(key), raw, { size: 1000, sha256: "00" }),
      signed,
      "a DER certificate will do",
    );
  });

  test("refuses an encrypted key, a DER key, and one that doesn't match", async () => {
    const { cert, key } = await loopbackCertificate();
    const sign = (bytes: Buffer | string) => () => signFile(Buffer.from(bytes), Buffer.from(cert), {});
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const encrypted = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" });
    assert.throws(sign(encrypted), /encrypted/);
    assert.throws(sign(privateKey.export({ type: "pkcs8", format: "der" })), /not PEM/);
    assert.throws(sign(privateKey.export({ type: "pkcs8", format: "pem" })), /key values mismatch/);
    assert.throws(() => signFile(Buffer.from(key), Buffer.from("none"), {}), /CERTIFICATE/);
  });
});
