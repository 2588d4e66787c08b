/** Bastions: where an operation runs, with a clock that may be wrong, and a second one with a copy of the state. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { Running } from "../faults/running.ts";
import type { Stack } from "../stack/stack.ts";
import type { Operation } from "./plan.ts";

/** Starts an operation whose programs' clocks are wrong by so many seconds. */
export function startAt(
  stack: Stack,
  verb: Operation["verb"],
  skewSeconds: number,
  env: NodeJS.ProcessEnv = {},
): Running {
  const common = ["--stack", "dev", "--config-file", stack.configFile, "--non-interactive"];
  const unasked = verb === "preview" ? [] : ["--yes", "--skip-preview"];
  const options = { env: { ...env, ...skewedBy(skewSeconds) } };
  return new Running(stack.sandbox.spawnPulumi([verb, ...common, ...unasked], options));
}

/**
 * Starts `up` on a second bastion, as somebody does who has exported the stack: their own backend has no lock against the
 * first one. `number` tells its copies apart.
 */
export async function startSecond(stack: Stack, number: number, skewSeconds: number): Promise<Running> {
  const { dir } = stack.sandbox;
  const copy = join(dir, `state-of-bastion-${number}`);
  await cp(join(dir, "state"), copy, { recursive: true, filter: (path) => !path.includes("/locks") });
  return startAt(stack, "up", skewSeconds, { PULUMI_BACKEND_URL: `file://${copy}?metadata=skip` });
}

/** Every Node.js below a process with this environment reads the time so many seconds off: the steps do, the engine doesn't. */
function skewedBy(seconds: number): NodeJS.ProcessEnv {
  if (seconds === 0) return {};
  const ms = seconds * 1000;
  const code =
    `globalThis.Date=new Proxy(Date,{construct:(D,a,n)=>Reflect.construct(D,a.length>0?a:[D.now()+${ms}],n),` +
    `get:(D,key)=>key==="now"?()=>D.now()+${ms}:D[key]});`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
