/** The entry point: it runs the program on every Node that can, and tells every other what to do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { configOf, filesFor, run } from "./program.ts";

const root = join(import.meta.dirname, "../..");

/** main.js, as Pulumi's runner takes it: a function that gives the stack's outputs. */
const entry = join(root, "main.js");
const { default: main } = (await import(entry)) as { default: () => Promise<object> };

/** Lets this process pass for one of another Node, for one test. */
function passFor(t: TestContext, node: string): void {
  const own = process.versions;
  Object.defineProperty(process, "versions", { value: { ...own, node }, configurable: true });
  t.after(() => Object.defineProperty(process, "versions", { value: own, configurable: true }));
}

for (const node of ["14.21.3", "20.20.2", "22.17.1", "23.0.0", "23.5.0"]) {
  test(`Node ${node} is refused, with what is needed and how to get it`, async (t) => {
    passFor(t, node);
    const { error, registrations } = await run({ config: {}, program: main });
    assert.equal(
      error,
      `Node ${node} (${process.execPath}) can't run this program: it is TypeScript, which Node reads from 22.18 on, and of ` +
        "the 23s from 23.6 on. Nothing was changed. Put a newer `node` first on PATH, for example the one that `npm ci` has " +
        `installed with this program, and run the same command again:\n  export PATH="${root}/node_modules/.bin:$PATH"\n[OKMM-NODEJS-OLD] docs/runbook.md#okmm-nodejs-old`,
    );
    assert.deepEqual(registrations, []);
  });
}

for (const node of ["22.18.0", "22.20.1", "23.6.0", "24.0.0", "26.1.0"]) {
  test(`Node ${node} runs the program, and its outputs are the stack's`, async (t) => {
    const { release, sshKey } = await filesFor(t);
    passFor(t, node);
    const config = { ...(await configOf("prod")), release, ssh: { privateKeyFile: sshKey } };
    const { error, outputs } = await run({ stack: "prod", config, program: main });
    assert.equal(error, undefined);
    const expected = ["certificate", "certificateFingerprint", "image", "moduleVersion", "nextKernels", "proofs"];
    assert.deepEqual(Object.keys(outputs).sort(), expected);
  });
}

test("stack traces are made without source maps, which cost half of a registration's time, and name files and lines", async (t) => {
  const { release, sshKey } = await filesFor(t);
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace") ?? { value: undefined, writable: true };
  t.after(() => Object.defineProperty(Error, "prepareStackTrace", { ...before, configurable: true }));
  let asked = 0;
  Error.prepareStackTrace = () => `asked ${(asked += 1)} times`;
  const config = { ...(await configOf("prod")), release, ssh: { privateKeyFile: sshKey } };
  await run({ stack: "prod", config, program: main });
  const counted = asked;
  assert.match(new Error("here").stack ?? "", /main\.test\.ts:\d+:\d+/);
  assert.equal(asked, counted);
});
