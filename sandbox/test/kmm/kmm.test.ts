import { after, before } from "node:test";
import { admission } from "./admission.ts";
import { buildDefects } from "./builds.ts";
import { Lab } from "./lab.ts";
import { nodeDefects } from "./nodes.ts";
import { preflight } from "./preflight.ts";
import { restarts } from "./restarts.ts";

/** One sandbox for all of KMM's tests: each has a namespace of its own. */
let running: Lab | undefined;
const lab = (): Lab => {
  if (running === undefined) throw new Error("the sandbox is not up");
  return running;
};

before(async () => {
  running = await Lab.start();
});

after(async () => {
  await running?.stop();
});

admission(lab);
buildDefects(lab);
nodeDefects(lab);
preflight(lab);
restarts(lab);
