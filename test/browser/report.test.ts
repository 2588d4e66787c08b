/** The report in a real browser: on a desktop, on a phone, in the dark and on paper. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before as beforeAll, describe, test } from "node:test";
import { htmlReport } from "../../core/report/html.ts";
import { before, proof, Recording, reportFrom, stuckRun } from "../core/report/runs.ts";
import { Browser, screens, type Screen } from "./browser.ts";

/** Names and messages as long as Kubernetes and consoles make them, without a place to break. */
function longRun(): Recording {
  const name = `${"worker".repeat(10)}.${"x".repeat(63)}.example.com`;
  const message = `</pre><script>document.title = "run"</script>${"y".repeat(3000)}\n${"word ".repeat(300)}`;
  const run = new Recording([{ name, hold: false, before: before({ kernel: "k".repeat(64) }) }], {
    cluster: "c".repeat(36),
    stack: "s".repeat(63),
  });
  run.plan(1, { [name]: `runs ${"v".repeat(128)}` });
  run.step(2, "rollNode", { node: name }).phase(3, "check").phase(4, "drain").fails(5, "OKMM-DRAIN-STUCK", message);
  return run;
}

/** A fleet: forty nodes, eight at a time; the last ones are at work. */
function fleetRun(): Recording {
  const names = Array.from({ length: 40 }, (_, index) => `worker-${index}.prod.example.com`);
  const run = new Recording(
    names.map((name) => ({ name, hold: false, before: before() })),
    { maxParallel: 8 },
  );
  run.plan(1, Object.fromEntries(names.map((name) => [name, "runs 9.0.2.140"])));
  names.slice(0, 33).forEach((name, index) => run.rolled(name, 5 + 15 * Math.ceil(index / 8), 14));
  run.step(80, "proveNode", { node: names[33] ?? "" }).ends(81, proof(names[33] ?? ""));
  run
    .step(80, "rollNode", { node: names[34] ?? "" })
    .phase(81, "check")
    .phase(82, "enrol")
    .says(83, "waiting");
  return run;
}

const runs: Readonly<Record<string, Recording>> = {
  "a node that fails": stuckRun(),
  "long names and messages": longRun(),
  "forty nodes": fleetRun(),
  "nothing but a problem": new Recording([]).stopped(0.1, "cluster: away [OKMM-API-AWAY]"),
};

describe("the report in a browser", { concurrency: false }, () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await Browser.start();
    folder = await mkdtemp(join(tmpdir(), "onload-kmm-browser-"));
  });
  after(async () => {
    await browser.end();
    await rm(folder, { recursive: true });
  });

  async function pageOf(run: Recording): Promise<string> {
    const file = join(folder, "report.html");
    await writeFile(file, htmlReport(reportFrom(run)));
    return file;
  }

  for (const [what, run] of Object.entries(runs)) {
    for (const screen of Object.keys(screens) as Screen[]) {
      test(`${what}, ${screen}: nothing is asked for, complained of, cut off or too small; every node shows`, async () => {
        const seen = await browser.look(await pageOf(run), screen);
        assert.deepEqual([seen.complaints, seen.requests, seen.hidden], [[], [], []]);
        assert.equal(seen.width.drawn, seen.width.window);
        assert.equal(seen.width.window, screens[screen].width);
        assert.ok(seen.smallestFont >= 11, `${seen.smallestFont} px`);
        const { nodes, headline } = reportFrom(run);
        assert.ok(seen.text.includes(headline), seen.text);
        for (const { name } of nodes) assert.ok(seen.text.includes(name), name);
      });
    }
  }

  test("a message that would run a script is read, and runs nothing", async () => {
    const seen = await browser.look(await pageOf(longRun()), "desktop");
    assert.match(seen.text, /<\/pre><script>document\.title/);
  });

  for (const [what, run] of Object.entries(runs)) {
    test(`${what}: legible in the light palette and in the dark one`, async () => {
      const file = await pageOf(run);
      const [light, dark] = [await browser.look(file, "phone"), await browser.look(file, "phone", "dark")];
      assert.ok(light.ground > 0.9 && dark.ground < 0.1, `${light.ground}, ${dark.ground}`);
      for (const { leastContrast } of [light, dark]) assert.ok(leastContrast >= 4.5, `contrast ${leastContrast}`);
      assert.equal(dark.text, light.text);
    });
  }

  test("its picture isn't blank", async () => {
    const { number, commonest } = await browser.colours(await browser.picture(await pageOf(stuckRun()), "desktop"));
    assert.ok(number > 50 && commonest < 0.95, `${number} colours, ${commonest} of one`);
  });

  test("it prints, a fleet on a few pages", async () => {
    const pages = async (run: Recording) =>
      (await browser.print(await pageOf(run))).toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;
    const [few, many] = [await pages(stuckRun()), await pages(fleetRun())];
    assert.ok(few >= 1 && few <= 4, `${few} pages`);
    assert.ok(many > few && many <= 24, `${many} pages`);
  });
});
