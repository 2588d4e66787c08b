/** The sandbox's BMCs in a stack's configuration. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBmc, type BmcIdentity } from "@onload-kmm/sandbox/redfish/identity";
import type { Stack } from "./stack.ts";

interface Access {
  readonly name: string;
  readonly bmc: { readonly url: string; readonly fingerprint: string };
}

/** Sets the BMCs' user and password as a person does, and the mode; returns what a login there needs. */
export async function throughBmcs(stack: Stack): Promise<BmcIdentity> {
  const bmc = readBmc(stack.sandbox.dir) ?? assert.fail("the sandbox has no BMCs");
  await set(stack, "--path", "onload-kmm:bmcCredentials.user", bmc.user);
  await set(stack, "--secret", "--path", "onload-kmm:bmcCredentials.password", bmc.password);
  await configureRedfish(stack, {});
  return bmc;
}

/** Mode redfish with more of `enrolment`, and each node's BMC as the sandbox reports it. */
export async function configureRedfish(stack: Stack, more: object): Promise<void> {
  const access = JSON.parse(await readFile(join(stack.sandbox.dir, "nodes.json"), "utf8")) as Access[];
  const { config, ...rest } = await stack.config();
  const nodes = (config["onload-kmm:nodes"] as { name: string }[]).map((node) => ({
    ...node,
    bmc: access.find(({ name }) => name === node.name)?.bmc,
  }));
  const enrolment = { mode: "redfish", timeoutMinutes: 15, ...more };
  await stack.configure({
    ...rest,
    config: { ...config, "onload-kmm:nodes": nodes, "onload-kmm:enrolment": enrolment },
  });
}

async function set(stack: Stack, ...args: string[]): Promise<void> {
  const where = ["--stack", "dev", "--config-file", stack.configFile];
  const { exitCode, output } = await stack.pulumi("config", "set", ...args, ...where);
  assert.equal(exitCode, 0, output);
}
