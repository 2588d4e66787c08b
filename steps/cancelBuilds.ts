/** Cancels the stack's builds that still run, so that nothing pushes or signs after the Module is gone. */
import { z } from "zod";
import { hasEnded, type BuildObject } from "../core/moduleBuild.ts";
import { connect, type KubeObject } from "./lib/kubectl.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";

const input = z.object({ cluster: clusterSchema, namespace: z.string(), selector: z.string() });

await runStep(input, async ({ cluster, namespace, selector }) => {
  const kubectl = await connect(cluster);
  const builds = await kubectl.list<KubeObject & BuildObject>(
    "builds.build.openshift.io",
    "-n",
    namespace,
    "-l",
    selector,
  );
  const running = builds.filter((build) => !hasEnded(build)).map(({ metadata }) => metadata.name);
  const cancelled = JSON.stringify({ status: { cancelled: true } });
  for (const name of running) {
    progress(`cancelling Build ${name}`);
    await kubectl.run(["patch", "builds.build.openshift.io", name, "-n", namespace, "--type=merge", "-p", cancelled]);
  }
  return { cancelled: running.length };
});
