/** The report of each run, from the first `up` with a node that fails to `destroy`: whatever ends a run, it is there. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Scene } from "../faults/scene.ts";
import { WaysOn } from "../faults/waysOn.ts";
import { Browser, type Screen } from "../browser/browser.ts";

/** A run's report, in its forms. */
interface Files {
  /** Path of the page. */
  readonly page: string;
  readonly html: string;
  readonly markdown: string;
}

describe("the report of a run", { concurrency: false }, () => {
  let scene: Scene;
  let reports: string;
  const known = new Set<string>();

  before(async () => {
    scene = await Scene.start({ nodes: 3 });
    reports = join(scene.stack.sandbox.dir, "reports", "dev");
    const config = await scene.stack.config();
    config.config["onload-kmm:rollout"] = { drainTimeoutMinutes: 0.1 };
    await scene.stack.configure(config);
  });
  after(() => scene.end());

  /** The one report that wasn't there before. */
  async function newReport(): Promise<Files> {
    const names = (await readdir(reports).catch(() => [])).map((file) => file.replace(/\.\w+$/, ""));
    const fresh = [...new Set(names)].filter((name) => !known.has(name));
    const [name = ""] = fresh;
    assert.equal(fresh.length, 1, fresh.join(", "));
    known.add(name);
    const [html, markdown] = await Promise.all(
      ["html", "md"].map((ending) => readFile(join(reports, `${name}.${ending}`), "utf8")),
    );
    return { page: join(reports, `${name}.html`), html: html ?? "", markdown: markdown ?? "" };
  }

  /** That a browser shows it whole; its pictures go into the documents where ONLOAD_KMM_PICTURES names their folder. */
  async function assertShown(page: string): Promise<void> {
    const browser = await Browser.start();
    try {
      for (const [screen, height] of [
        ["desktop", 1350],
        ["phone", 1100],
      ] as const satisfies [Screen, number][]) {
        const seen = await browser.look(page, screen);
        assert.deepEqual([seen.complaints, seen.requests, seen.hidden], [[], [], []], screen);
        const picture = await browser.picture(page, screen, height);
        const { number, commonest } = await browser.colours(picture);
        assert.ok(number > 50 && commonest < 0.95, `${number} colours, ${commonest} of one`);
        const folder = process.env["ONLOAD_KMM_PICTURES"] ?? scene.stack.sandbox.dir;
        await writeFile(join(folder, `report-${screen}.png`), picture);
      }
    } finally {
      await browser.end();
    }
  }

  const headlineOf = ({ html }: Files): string => /<h1 class="\w+">([^<]*)<\/h1>/.exec(html)?.[1] ?? html;

  test("a preview writes none", async () => {
    const { exitCode, output } = await scene.stack.preview();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await readdir(reports).catch(() => []), []);
    assert.doesNotMatch(output, /report of this run/);
  });

  test("one node proven, one that fails, one whose turn didn't come: all told, with the way on", async () => {
    await new WaysOn(scene).keepBusy("worker-2");
    const { exitCode, output } = await scene.stack.up();
    assert.notEqual(exitCode, 0, output);
    const report = await newReport();
    assert.match(
      headlineOf(report),
      /^1 of 3 nodes on 0\.9\.\S+; worker-2 failed: OKMM-DRAIN-STUCK; worker-3 not begun$/,
      report.markdown,
    );
    assert.match(output, new RegExp(`report of this run: reports/dev/${[...known][0] ?? "?"}\\.html`));
    assert.match(report.html, /default\/busy[^]*Way on:[^]*another replica ready elsewhere/);
    assert.match(report.html, /href="[^"]*docs\/runbook\.md#okmm-drain-stuck"/);
    assert.match(report.html, /href="\.\.\/\.\.\/logs\/dev\/worker-2\.log"/);
    assert.match(report.html, /Build logs<[^]*<a href="\.\.\/\.\.\/logs\/dev\/\S+\.log">/);
    assert.match(report.markdown, /^\| worker-1 \| proven \| none \| 0\.9\.\S+ \|$/m);
    assert.match(report.markdown, /^\| worker-2 \| drain \| \S+ \| \d+ s \|$/m);
    await assertShown(report.page);
  });

  test("an `up` that is killed: as far as it went, and what was at work", async () => {
    await new WaysOn(scene).free();
    await scene.cut("up", /worker-2: KMM may load/, "power");
    const report = await newReport();
    assert.match(
      headlineOf(report),
      /^1 of 3 nodes on 0\.9\.\S+; worker-2 without an end: at work, or killed; worker-3 not begun$/,
    );
    assert.match(report.markdown, /^\| worker-2 \| load \| \S+ \| no end \|$/m);
    assert.match(report.markdown, /Run `pulumi up` again/);
  });

  test("the next one finishes, and tells what was before", async () => {
    await scene.again("up");
    const report = await newReport();
    assert.match(headlineOf(report), /^3 of 3 nodes on 0\.9\.\S+$/);
    assert.match(report.html, /<h1 class="good">/);
    assert.match(report.markdown, /2 nodes took .*; ideally /);
  });

  test("an `up` with nothing to do tells that the nodes are as they should be", async () => {
    await scene.again("up");
    const report = await newReport();
    assert.match(headlineOf(report), /^3 of 3 nodes on 0\.9\.\S+$/);
    assert.match(report.markdown, /^\| worker-3 \| unchanged \| (0\.9\.\S+) \| \1 \|$/m);
  });

  test("`destroy` has its own", async () => {
    await scene.again("destroy");
    assert.equal(headlineOf(await newReport()), "3 of 3 nodes handed back");
  });
});
