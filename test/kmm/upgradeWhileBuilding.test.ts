/** KMM is upgraded while it builds or signs for a stack, from line to line and from the first to the last at once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../faults/running.ts";
import { kmmsUnderTest, type UnderTest } from "../sandbox/kmm/underTest.ts";
import { UpgradedStack } from "./upgrading.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

/** Builds that the upgrade and one more `up` may cost: two rounds of a build and a signature beside what was cut. */
const mostBuilds = 6;

const whatFailed = (output: string): string =>
  /^.*(?:failed|isn't used again|however often).*$/m.exec(output)?.[0] ?? output;

function upgrades(job: "build" | "sign", [first, ...later]: readonly UnderTest[]): void {
  const lines = [first, ...later].map((each) => each?.line).join(" → ");
  describe(`KMM ${lines}, each while a ${job} runs`, { concurrency: false }, () => {
    let stack: UpgradedStack;

    before(async () => {
      stack = await UpgradedStack.start(first ?? assert.fail("no KMM to begin with"), 1);
      await stack.scene.again("up");
    });
    after(() => stack.scene.end());

    for (const [at, to] of later.entries()) {
      test(`to ${to.line}: this \`up\` or the next ends well, and nothing goes round`, async (t) => {
        const { scene } = stack;
        const made = await scene.buildsMade();
        await scene.set({ "build.hang": `onload-${job}` });
        const running = start(scene.stack, "up", ...rebuild(at + 1));
        assert.ok(await running.says(new RegExp(`onload-${job}-[\\w-]+: Running`)), running.output);
        await stack.upgrade(to);
        await scene.set({ "build.hang": null });
        const { exitCode, output } = await running.end();
        if (exitCode !== 0) {
          assert.match(output, /No node was touched/);
          t.diagnostic(`up ended with ${exitCode ?? "a signal"}: ${whatFailed(output)}`);
          await scene.again("up", ...rebuild(at + 1));
        }
        await scene.assertFull();
        await stack.assertSignedOnNodes();
        await stack.assertBuildsEnded();
        const builds = (await scene.buildsMade()) - made;
        t.diagnostic(`${builds} Builds`);
        assert.ok(builds <= mostBuilds, `${builds} Builds`);
        await stack.assertNothingToDo(...rebuild(at + 1));
      });
    }
  });
}

for (const job of ["build", "sign"] as const) {
  upgrades(job, kmmsUnderTest);
  if (kmmsUnderTest.length > 2)
    upgrades(
      job,
      [kmmsUnderTest[0], kmmsUnderTest.at(-1)].filter((kmm) => kmm !== undefined),
    );
}
