/** What people are told of the mistakes that they make in a configuration, each through `pulumi preview` of a live stack. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { parseDocument } from "yaml";
import { writesBy, type Write } from "./cluster.ts";
import { mistakenFiles, type MistakenFiles } from "./mistakenFiles.ts";
import { others, trial, type Mistake } from "./mistakes.ts";
import { startStack, type Outcome, type Stack } from "./stack.ts";

/** What is there to be changed. */
interface Left {
  readonly writes: readonly Write[];
  readonly state: string;
}

describe("mistakes in a configuration", { concurrency: false }, () => {
  let stack: Stack;
  let files: MistakenFiles;
  let good: string;
  /** What the last `up` has left. */
  let left: Left | undefined;

  before(async () => {
    files = await mistakenFiles();
    stack = await startStack({
      nodes: 3,
      configure: ({ config }) => (config["onload-kmm:rollout"] = { maxParallel: 3 }),
    });
    good = await readFile(stack.configFile, "utf8");
    await up();
  });
  after(async () => {
    await stack.end();
    await files.remove();
  });

  for (const mistake of [...trial, ...others]) {
    test(mistake.what, async () => {
      await write(mistake);
      const { exitCode, output } = await stack.preview();
      const told = toldIn(output);
      assert.equal(exitCode === 0, mistake.isWarning ?? false, output);
      const [line = "", ...more] = told.filter((each) => !each.endsWith("[OKMM-KEY-CHANGE]"));
      assert.deepEqual(more, [], "one mistake is one line");
      for (const part of ["key", "found", "expected", "remedy"] as const) {
        const held = mistake[part];
        const holds = typeof held === "string" ? line.includes(held) : held.test(line);
        assert.ok(holds, `${part} ${String(held)} isn't in: ${line}`);
      }
      await unchanged();
    });
  }

  test("DER cert: the engine itself can't take it, and the runbook has its words", async () => {
    await write({ wrote: { "signing.source": "existing" } });
    await stack.give(["--secret", "onload-kmm:signingKey"], await files.content("good.pem"));
    await stack.give(["onload-kmm:signingCertificate"], await files.bytes("good.der"));
    const { exitCode, output } = await stack.preview();
    assert.notEqual(exitCode, 0);
    await inRunbook(output, /grpc: error while marshaling: string field contains invalid UTF-8/);
    await unchanged();
  });

  test("a tab in the file: the engine itself can't take it, and the runbook has its words", async () => {
    await stack.configureText(good.replace("  onload-kmm:rollout", "\tonload-kmm:rollout"));
    const { exitCode, output } = await stack.preview();
    assert.notEqual(exitCode, 0);
    await inRunbook(output, /found a tab character that violates indentation/);
    await unchanged();
  });

  test("no sandbox: no stack is there, and the sentence says what makes one", async (t) => {
    const parent = await mkdtemp(join(tmpdir(), "onload-kmm-nothing-"));
    t.after(() => rm(parent, { recursive: true }));
    const env = { ONLOAD_KMM_SANDBOX: join(parent, "none") };
    const args = ["sandbox/pulumi.ts", "preview", "--stack", "dev", "--non-interactive"];
    const { exitCode, stderr } = await execa(process.execPath, args, { env, reject: false, stdin: "ignore" });
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /no stack named 'dev' found/);
    assert.match(stderr, /npm run sandbox -- up/);
  });

  test("`destroy --skip-preview` of a protected key ends before the first deletion, with the way out", async () => {
    await write({ wrote: { "signing.protect": "true" } });
    await up();
    const { exitCode, output } = await stack.destroy();
    assert.notEqual(exitCode, 0);
    const [line = ""] = toldIn(output);
    assert.match(line, /onload-kmm:signing\.protect is true: the signing key must not be deleted; nothing was deleted/);
    assert.match(line, /`pulumi config set --path onload-kmm:signing\.protect false`, `pulumi up`/);
    assert.deepEqual((await look()).writes, left?.writes);
  });

  async function up(): Promise<void> {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    left = await look();
  }

  /** Writes the mistake into the good configuration. */
  async function write({ wrote = {}, gave }: Pick<Mistake, "wrote" | "gave">): Promise<void> {
    const document = parseDocument(good);
    for (const [key, yaml] of Object.entries(wrote)) {
      const value = yaml.startsWith("@")
        ? document.getIn(pathOf(yaml.slice(1)))
        : parseDocument(files.named(yaml)).contents;
      document.setIn(pathOf(key), value);
    }
    await stack.configureText(document.toString({ lineWidth: 0 }));
    if (gave === undefined) return;
    await stack.give(["--secret", "onload-kmm:signingKey"], await files.content(gave.signingKey));
    const { signingCertificate } = gave;
    if (signingCertificate === undefined) return;
    await stack.give(["--plaintext", "onload-kmm:signingCertificate"], await files.content(signingCertificate));
  }

  const look = async (): Promise<Left> => ({
    writes: writesBy("admin", await stack.sandbox.auditLog()),
    state: (await stack.pulumi("stack", "export")).output,
  });

  /** Neither the cluster nor the state. */
  const unchanged = async (): Promise<void> => assert.deepEqual(await look(), left);
});

/** All sentences of ours, problems and warnings. */
const toldIn = (output: Outcome["output"]): string[] =>
  [...output.matchAll(/^\s*(?:- |warning: )(.*\[OKMM-[A-Z-]+\])$/gm)].map(([, sentence = ""]) => sentence);

/** Some words of the engine's, which the operator finds in the runbook. */
async function inRunbook(output: string, words: RegExp): Promise<void> {
  const [found = assert.fail(output)] = words.exec(output) ?? [];
  assert.ok((await readFile("docs/runbook.md", "utf8")).includes(found), found);
}

/** `nodes[0].name` as a path in the file. */
function pathOf(key: string): (string | number)[] {
  const [top = "", ...rest] = key.split(/\.|(?=\[)/);
  return ["config", `onload-kmm:${top}`, ...rest.map((step) => (/^\[/.test(step) ? Number(step.slice(1, -1)) : step))];
}
