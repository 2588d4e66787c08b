/** KMM is upgraded in the middle of an `up`, from line to line and from the first to the last at once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../faults/running.ts";
import { kmmsUnderTest, type UnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";
import { UpgradedStack } from "./upgrading.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

/**
 * Builds that an upgrade and one more `up` may cost. Each round is a build and a signature: that which was cut, with a build of
 * either line; that which KMM begins by itself when it fails; that which `up` begins afresh; that of the next `up`. KMM going
 * round makes one in a second.
 */
const mostBuilds = 9;

/** How long a Build goes on after the upgrade, so that one that can't even pull its base fails first, as on a cluster. */
const buildSeconds = "6";

/** When KMM is upgraded: at what `up` says, while the Builds of this name hang. */
interface Moment {
  readonly when: string;
  readonly says: RegExp;
  readonly hangs?: string;
}

const moments: readonly Moment[] = [
  { when: "a build runs", says: /onload-build-[\w-]+: Running/, hangs: "onload-build" },
  { when: "a signature runs", says: /onload-sign-[\w-]+: Running/, hangs: "onload-sign" },
  { when: "a node loads", says: /KMM may load version/ },
];

/** One stack under which KMM is upgraded through all of these, each time at this moment of a rebuild. */
function upgrades({ when, says, hangs }: Moment, [first, ...later]: readonly UnderTest[]): void {
  const lines = [first, ...later].map((each) => each?.line).join(" → ");
  describe(`KMM ${lines}, each while ${when}`, { concurrency: false }, () => {
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
        await scene.set({ "build.hang": hangs ?? null });
        const running = start(scene.stack, "up", ...rebuild(at + 1));
        assert.ok(await running.says(says), running.output);
        await stack.upgrade(to);
        await scene.set({ "build.hang": null, ...(hangs !== undefined && { "build.seconds": buildSeconds }) });
        const { exitCode, output } = await running.end();
        await scene.set({ "build.seconds": null });
        t.diagnostic(`up ended with ${exitCode ?? "a signal"}${exitCode === 0 ? "" : `:\n${output}`}`);
        if (exitCode !== 0) {
          if (hangs !== undefined) assert.match(output, /No node was touched/);
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

const [first] = kmmsUnderTest;
const last = kmmsUnderTest.at(-1);
for (const moment of moments) {
  upgrades(moment, kmmsUnderTest);
  if (kmmsUnderTest.length > 2 && first !== undefined && last !== undefined) upgrades(moment, [first, last]);
}
