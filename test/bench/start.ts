/** How long the program takes until it begins. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import type { Start } from "./results.ts";
import { measured } from "./usage.ts";

/** What is started, as an import; the SDK alone is what every Pulumi program in TypeScript pays. */
const started: readonly (readonly [what: string, modules: readonly string[]])[] = [
  ["Node alone", []],
  ["Pulumi's SDK", ["@pulumi/pulumi"]],
  ["the SDK and the providers' packages", ["@pulumi/pulumi", "@pulumi/kubernetes", "@pulumi/command", "@pulumi/tls"]],
  [
    "all of this program, before its first look",
    ["./components/onloadNodes.ts", "./components/signingKey.ts", "./preflight.ts"],
  ],
  [
    "a step that looks at the cluster, before its first look",
    ["./steps/cluster/clusterFacts.ts", "./steps/node/sshCheck.ts"],
  ],
];

/** Imports the modules in a Node of their own, so many times each. `compileCache` is a folder that Node keeps compiled code in. */
export async function measureStarts(rounds: number, compileCache?: string): Promise<Start[]> {
  const starts: Start[] = [];
  const cached = compileCache === undefined ? "" : ", compiled before";
  for (const [what, modules] of started) {
    const usages = [];
    // The first one fills the caches.
    for (let round = 0; round <= rounds; round += 1) usages.push(await importing(modules, compileCache));
    starts.push({ what: what + cached, rounds: usages.slice(1) });
  }
  return starts;
}

async function importing(modules: readonly string[], compileCache: string | undefined) {
  const program = modules.map((module) => `await import(${JSON.stringify(module)});`).join("");
  const { usage, ended } = await measured(() => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: projectRoot,
      env: { PATH: process.env["PATH"], ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }) },
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return { pid: child.pid, end: once(child, "close") };
  });
  if (ended[0] !== 0) throw new Error(`importing ${modules.join(", ")} failed`);
  return usage;
}
