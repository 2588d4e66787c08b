import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { KubeProxy } from "../../../steps/cluster/kubeProxy.ts";
import { liveBy } from "../../../steps/lib/clock.ts";
import { VirtualClock } from "../virtualClock.ts";

const node = process.execPath;

/** A program in kubectl's place. @param body gets `socketPath` */
function program(t: TestContext, body: string): { command: string[]; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-proxy-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "kubectl.mjs");
  const path = 'const socketPath = process.argv.find((each) => each.startsWith("--unix-socket=")).slice(14);\n';
  writeFileSync(file, path + body);
  return { command: [node, file], directory };
}

const serving = `
import { createServer } from "node:http";
createServer((request, response) => response.writeHead(404).end(request.url + " as " + request.headers.accept))
  .listen(socketPath, () => console.log("Starting to serve on " + socketPath + "\\n" + process.pid));
`;

test("a path is asked for, and the answer is given as it is", async (t) => {
  const proxy = await KubeProxy.start(program(t, serving).command);
  assert.deepEqual(await proxy?.get("/apis?x=1", "text/plain"), { status: 404, body: "/apis?x=1 as text/plain" });
  proxy?.end();
});

test("one that ends, or isn't there, is none, and isn't waited for", async (t) => {
  // In this time a limit never passes by itself.
  liveBy(new VirtualClock());
  assert.equal(await KubeProxy.start(program(t, "process.exit(1)").command), undefined);
  assert.equal(await KubeProxy.start(["/no/such/program"]), undefined);
});

test("one that never listens is none after a while", async (t) => {
  const clock = new VirtualClock();
  liveBy(clock);
  let found: unknown = "none yet";
  const started = KubeProxy.start(program(t, "setInterval(() => {}, 1e6)").command).then((proxy) => (found = proxy));
  while (found === "none yet") {
    clock.advance(1000);
    await pause(1);
  }
  assert.equal(await started, undefined);
});

test("an answer that is cut off is none", async (t) => {
  const body = serving.replace(/response\.writeHead.*/, "response.destroy())");
  const proxy = await KubeProxy.start(program(t, body).command);
  await assert.rejects(async () => proxy?.get("/apis", "text/plain"));
  proxy?.end();
});

/** As `kubectl` may be: a script that starts the program without becoming it. */
const inScript = ["sh", "-c", '"$0" "$@"; exit'];

for (const [signal, before] of [
  ["SIGKILL", []],
  ["SIGINT", []],
  ["SIGKILL", inScript],
] as const) {
  const who = before.length === 0 ? "proxy" : "proxy, though kubectl is a script,";
  test(`whoever used it and is ended by ${signal} leaves no ${who} and no socket behind`, async (t) => {
    const { command, directory } = program(
      t,
      `${serving.replace("console.log(", "report(")}
      import { writeFileSync } from "node:fs";
      function report(text) {
        writeFileSync(process.argv[1] + ".told", socketPath + " " + process.pid);
        console.log(text);
      }`,
    );
    const user = join(directory, "user.mjs");
    writeFileSync(
      user,
      `import { KubeProxy } from ${JSON.stringify(join(import.meta.dirname, "../../../steps/cluster/kubeProxy.ts"))};
       const proxy = await KubeProxy.start(${JSON.stringify([...before, ...command])});
       console.log(proxy === undefined ? "none" : "up");
       setInterval(() => {}, 1e6);`,
    );
    const child = spawn(node, [user], { stdio: ["ignore", "pipe", "inherit"] });
    assert.deepEqual(await once(createInterface({ input: child.stdout }), "line"), ["up"]);
    const [socketPath = "", pid = ""] = readFileSync(`${command[1]}.told`, "utf8").split(" ");
    assert.ok(existsSync(socketPath));
    child.kill(signal);
    await once(child, "exit");
    while (isThere(Number(pid)) || existsSync(dirname(socketPath))) await pause(10);
  });
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
