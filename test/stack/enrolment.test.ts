/** Secure Boot on: the key gets into every node's MokList, by a person and by a script, and no secret gets anywhere else. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { attend } from "@onload-kmm/sandbox/nodes/person";
import { leaksInCluster } from "../secrets/cluster.ts";
import { assertInDebugLog, assertStateSecrets } from "../secrets/document.ts";
import { atHome, searchOfRun } from "../secrets/ofRun.ts";
import { leaksInFiles, leaksInProcesses, leaksInText } from "../secrets/places.ts";
import { Search } from "../secrets/search.ts";
import { passwordHashes, secretsInState } from "../secrets/state.ts";
import { assertAudited, useAuditPolicy } from "./auditPolicy.ts";
import { privateKeyIn, withoutResources, withRemoteImports } from "./olderState.ts";
import { startStack, type Outcome, type Proof, type Stack, type StackConfig } from "./stack.ts";

// Another one in each run: the search for it looks at every process of the machine, and runs may go side by side.
const password = `sandbox${randomBytes(8).toString("hex")}`;
const passphrase = `phrase${randomBytes(8).toString("hex")}`;
const workers = ["worker-1", "worker-2"];
const newKey = /NEW SIGNING KEY: every node with Secure Boot on must enrol it in MokManager/;

describe("enrolment with Secure Boot on", { concurrency: false }, () => {
  let stack: Stack;
  let secretsNow: () => Promise<Search>;
  let debugged: Outcome | undefined;

  before(async () => {
    // The strategy that needs a secret more: one search finds them all.
    const configure = ({ config }: StackConfig): void => {
      config["onload-kmm:build"] = { strategy: "entitled-ubi" };
    };
    stack = await startStack({ nodes: workers.length, secureBoot: true, passphrase, configure });
    await stack.give(["--secret", "onload-kmm:mokPassword"], password);
    await useAuditPolicy(stack.sandbox);
    secretsNow = searchOfRun(stack.sandbox, { "MOK password": password, passphrase });
    await setMode("attended");
  });
  after(async () => {
    await stack.end();
  });

  test("attended: each node is enrolled by the person at its console, rebooted once, loaded, proven and uncordoned", async () => {
    const person = new AbortController();
    const attending = consoles().then((ports) =>
      Promise.all(ports.map((port) => attend({ port, password: () => password, signal: person.signal }))),
    );
    const running = stack.up();
    const [leaks, up] = await Promise.all([leaksInProcesses(secretsNow, running), running]);
    person.abort();
    await attending;

    assert.equal(up.exitCode, 0, up.output);
    await assertProven();
    assert.deepEqual(leaks, []);
    assert.match(up.output, /worker-1: MokManager is waiting on its console/);
    const cordoned = (node: string) => up.output.indexOf(`${node}: cordoned`);
    assert.ok(cordoned("worker-1") > 0 && cordoned("worker-1") < cordoned("worker-2"), "the canary goes first");
    assertNoPassword(up);
  });

  test("a second up neither changes nor reboots anything", async () => {
    const before = await bootIds();
    const { exitCode, output, steps } = await stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    assert.deepEqual(await bootIds(), before);
  });

  test("another key's subject: preview says of each node that it reboots into MokManager", async () => {
    const config = await stack.config();
    const signing = { subject: "another signing key" };
    await stack.configure({ ...config, config: { ...config.config, "onload-kmm:signing": signing } });
    const { exitCode, output } = await stack.preview();
    await stack.configure(config);
    assert.equal(exitCode, 0, output);
    const why = 'signing.subject changes from "onload-kmm module signing" to "another signing key"';
    for (const node of workers) {
      const said = `${node}: reboots into MokManager again, to enrol the new key, because onload-kmm:${why}`;
      assert.ok(output.includes(said), output);
    }
    assert.match(
      output,
      /2 nodes are drained, .*\n.*OpenOnload.*\n.*2 nodes are rebooted, where a person answers MokManager/,
    );
    assert.match(output, newKey);
  });

  test("a key that is replaced by request, or whose state is lost: preview says that it is a new one", async () => {
    const file = join(stack.sandbox.dir, "exported.json");
    const exported = await stack.pulumi("stack", "export", "--stack", "dev", "--file", file);
    assert.equal(exported.exitCode, 0, exported.output);
    const state = await readFile(file, "utf8");

    const replaced = await stack.preview("--replace", privateKeyIn(state));
    assert.equal(replaced.exitCode, 0, replaced.output);
    assert.match(replaced.output, newKey);

    const lost = join(stack.sandbox.dir, "lost-state.json");
    await writeFile(lost, withoutResources(state));
    try {
      await importState(lost);
      const { exitCode, output } = await stack.preview();
      assert.equal(exitCode, 0, output);
      assert.match(output, newKey);
    } finally {
      await importState(file);
    }
    const { exitCode, output } = await stack.preview("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, newKey);
  });

  test("over a state in which the imports are remote commands, up replaces these alone, and touches no node", async () => {
    const before = await nodeVersions();
    const file = join(stack.sandbox.dir, "older-state.json");
    const exported = await stack.pulumi("stack", "export", "--stack", "dev", "--file", file);
    assert.equal(exported.exitCode, 0, exported.output);
    await writeFile(file, withRemoteImports(await readFile(file, "utf8")));
    await importState(file);

    const { exitCode, output, steps } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps.map(({ op, type, name }) => `${op} ${type} ${name}`).sort(), [
      "create command:local:Command worker-1-import",
      "create command:local:Command worker-2-import",
      "delete command:remote:Command worker-1-import",
      "delete command:remote:Command worker-2-import",
    ]);
    assert.deepEqual(await nodeVersions(), before);
  });

  test("no secret is in a file that isn't its own, in the cluster but in Secrets, or in anything that was printed", async () => {
    const search = await secretsNow();
    const sought = ["MOK password", "SSH key", "entitlement key", "kubeconfig's token", "passphrase", "signing key"];
    assert.deepEqual([...new Set(search.names)].sort(), sought);
    assert.deepEqual(await leaksInFiles(stack.sandbox.dir, search, atHome), []);
    assert.deepEqual(await leaksInFiles(join(stack.sandbox.dir, "logs"), search, /^$/), []);
    assert.deepEqual(await leaksInCluster(stack.sandbox, search), []);
    assert.deepEqual(leaksInText("output", stack.printed.join("\n"), search), []);
  });

  test("state holds the secrets that docs/secrets.md has, each for its reason, and the password's hash is nowhere else", async () => {
    const shown = await stack.pulumi("stack", "export", "--show-secrets", "--stack", "dev");
    assert.equal(shown.exitCode, 0, shown.output);
    assertStateSecrets(secretsInState(shown.output), ["always", "MOK password given", "strategy entitled-ubi"]);
    const hashes = new Search(passwordHashes(shown.output));
    assert.equal(hashes.names.length, 1);
    assert.deepEqual(await leaksInFiles(stack.sandbox.dir, hashes, atHome), []);
    assert.deepEqual(leaksInText("output", stack.printed.join("\n"), hashes), []);
    const inState = (await secretsNow()).in(shown.output).map(({ secret }) => secret);
    assert.deepEqual(
      inState.sort(),
      ["entitlement key", "signing key"],
      "neither SSH key, nor token, nor given password",
    );
  });

  test("the audit log by deploy/audit-policy.yaml has each change of a Node and of the Module, and no Secret's content", async () => {
    await assertAudited(stack.sandbox);
  });

  test("operator: up leaves the nodes in service and says that they are pending, and the next up goes on", async () => {
    const left = await stack.destroy();
    assert.equal(left.exitCode, 0, left.output);
    await setMode("operator");
    debugged = await stack.up("--debug", "--logtostderr", "--logflow", "-v=9");
    assert.equal(debugged.exitCode, 0, debugged.output.slice(-4096));
    assert.deepEqual(await states(), ["pending", "pending"]);
  });

  test("that run's debug log, and its event log, hold the secrets that docs/secrets.md warns of", async () => {
    const shown = await stack.pulumi("stack", "export", "--show-secrets", "--stack", "dev");
    const searches = [await secretsNow(), new Search(passwordHashes(shown.output))];
    const events = await stack.lastEvents();
    assertInDebugLog(
      "--debug",
      searches.flatMap((search) => search.inPicture(debugged?.output ?? "")),
    );
    assertInDebugLog(
      "--event-log",
      searches.flatMap((search) => search.in(events)),
    );
  });

  test("console: one that can't be used is said before the node is touched", async () => {
    await setMode("console");
    const config = await stack.config();
    const nodes = config.config["onload-kmm:nodes"] as { name: string }[];
    const console = "echo SOL payload already active on another session; exit 1";
    const broken = nodes.map((node) => (node.name === "worker-1" ? { ...node, console } : node));
    await stack.configure({ ...config, config: { ...config.config, "onload-kmm:nodes": broken } });
    const before = await bootIds();
    const { exitCode, output } = await stack.up();
    await stack.configure(config);
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /worker-1: its console can't be used: the console command ended \(exit code 1\) \(it showed: SOL payload already active on another session\); the node was not touched/,
    );
    assert.doesNotMatch(output, /worker-\d: cordoned/);
    assert.equal(await bootIds(), before);
    assert.equal(await cordons(), "");
  });

  test("console: the script enrols each node, one whose firmware tries the network first, too", async () => {
    await controlNode(stack.sandbox.dir, "worker-2", "bootOrder", { first: "network" });
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, /worker-2: rebooting into MokManager, by boot entry 0001/);
    await assertProven();
    assertNoPassword({ output });
  });

  test("destroy leaves no label, annotation or cordon of ours", async () => {
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    const marks = await stack.sandbox.kubectl([
      "get",
      "nodes",
      "-o",
      "jsonpath={.items[*].metadata.labels}{.items[*].metadata.annotations}",
    ]);
    assert.ok(marks.includes("node-role.kubernetes.io/worker"), "the search sees labels");
    assert.doesNotMatch(marks, /"(onload-kmm\.io\/|[^"]*onload-kmm\.onload)/);
    assert.equal(await cordons(), "");
  });

  async function setMode(mode: string): Promise<void> {
    const config = await stack.config();
    await stack.configure({
      ...config,
      config: { ...config.config, "onload-kmm:enrolment": { mode, timeoutMinutes: 15 } },
    });
  }

  async function consoles(): Promise<number[]> {
    const nodes = JSON.parse(await readFile(join(stack.sandbox.dir, "nodes.json"), "utf8")) as {
      name: string;
      consolePort: number;
    }[];
    return nodes.filter(({ name }) => workers.includes(name)).map(({ consolePort }) => consolePort);
  }

  async function proofs(): Promise<Proof[]> {
    return stack.proofs();
  }

  async function states(): Promise<string[]> {
    return (await proofs()).map(({ state }) => state);
  }

  async function assertProven(): Promise<void> {
    const found = await proofs();
    assert.deepEqual(
      found.map(({ node, state, secureBoot, key }) => ({ node, state, secureBoot, key })),
      workers.map((node) => ({ node, state: "proven", secureBoot: "enabled", key: "enrolled" })),
    );
    for (const { driver, version } of found.flatMap(({ interfaces }) => interfaces)) {
      assert.equal(`${driver} ${version}`, "sfc 0.6.1.1");
    }
    const nodes = await stack.sandbox.kubectl(["get", "nodes", "-o", "json"]);
    assert.ok(!nodes.includes('"unschedulable"'), "all nodes are in service");
  }

  /** Another one after each write to a Node. */
  async function nodeVersions(): Promise<string> {
    return stack.sandbox.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].metadata.resourceVersion}"]);
  }

  async function importState(file: string): Promise<void> {
    const { exitCode, output } = await stack.pulumi("stack", "import", "--stack", "dev", "--file", file);
    assert.equal(exitCode, 0, output);
  }

  async function cordons(): Promise<string> {
    return stack.sandbox.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].spec.unschedulable}"]);
  }

  async function bootIds(): Promise<string> {
    return stack.sandbox.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.bootID}"]);
  }
});

function assertNoPassword({ output }: Pick<Outcome, "output">): void {
  assert.ok(!output.includes(password), "the password is not in the output");
}
