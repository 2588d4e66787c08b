/** The report's two forms: that they hold everything, and that nothing which is put in becomes markup. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { marked } from "marked";
import { htmlReport } from "../../../core/report/html.ts";
import { escaped, html } from "../../../core/report/markup.ts";
import { markdownReport, text } from "../../../core/report/markdown.ts";
import { character } from "../../hostile/inputs.ts";
import { before, proof, Recording, reportFrom, stuckRun } from "./runs.ts";

const hostile = '</pre><script>alert(1)</script><img src=x onerror="alert(2)">\' & \u001b[2J';

/** A run in which everything that can come from elsewhere is hostile. */
function hostileRun(): Recording {
  const run = new Recording(
    [{ name: hostile, hold: false, before: before({ kernel: hostile, unreachable: hostile }) }],
    {
      cluster: hostile,
      stack: hostile,
    },
  );
  run.plan(1, { [hostile]: hostile });
  run.step(1, "importKey", { node: hostile }).says(2, hostile);
  run
    .step(1, "proveNode", { node: hostile })
    .ends(2, proof(hostile, { modules: { [hostile]: { version: hostile, signers: [hostile] } } }));
  run.step(2, hostile, { kernel: hostile }).fails(3, "OKMM-BUILD-FAILED", hostile);
  return run;
}

test("a page is whole, needs nothing from elsewhere, and runs nothing", () => {
  const page = htmlReport(reportFrom(stuckRun(), { logFiles: ["worker-2.log"] }));
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /<meta name="viewport" content="width=device-width, initial-scale=1"/);
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|<object|\bsrc=|@import|url\(|javascript:|https?:/);
  for (const name of ["worker-0", "worker-1", "worker-2", "worker-3", "worker-4"])
    assert.ok(page.includes(`<h3>${name} <span class="mark`), name);
  assert.match(page, /<h1 class="failed">2 of 5 nodes on 9\.1\.0; worker-2 failed: OKMM-DRAIN-STUCK/);
  assert.match(page, /href="\.\.\/\.\.\/logs\/prod\/worker-2\.log"/);
});

test("what comes from elsewhere stays text on the page", () => {
  const page = htmlReport(reportFrom(hostileRun(), { logFiles: [hostile] }));
  assert.doesNotMatch(page, /<script|<img|\u001b/);
  assert.ok(page.split("&lt;script&gt;").length > 8, "it is told, each time");
});

test("no text leaves the place that it is put into", () => {
  fc.assert(
    fc.property(fc.string({ unit: character }), (value) => {
      const page = html`<p title="${value}">${value}</p>`.text;
      assert.match(page, /^<p title="[^"<>]*">[^<>]*<\/p>$/);
      assert.ok(page.isWellFormed());
    }),
  );
});

test("an escaped text reads as it was", () => {
  assert.equal(escaped(`a & b < c > "d" 'e'`), "a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39;");
  assert.equal(html`${[html`<b>x</b>`, "<y>"]}`.text, "<b>x</b>&lt;y&gt;");
});

test("Markdown has the same: the answer first, each node before and now, the failure and the way on, phases", () => {
  const page = markdownReport(reportFrom(stuckRun(), { logFiles: ["worker-2.log", "onload-build-1.log"] }));
  assert.match(
    page,
    /^# 2 of 5 nodes on 9\.1\.0; worker-2 failed: OKMM-DRAIN-STUCK; worker-3 not begun; worker-4 on hold\n/,
  );
  assert.match(page, /^\| worker-0 \| proven \| 9\.0\.2\.140 \| 9\.1\.0 \|$/m);
  assert.match(page, /^\| worker-2 \| drain \| 08:35:12 \| 15 min \|$/m);
  assert.match(page, /^> pod trading\/gateway-0: PodDisruptionBudget trading\/gateway allows no eviction$/m);
  assert.match(page, /^\*\*Way on\*\*: .*another replica ready elsewhere \(?waits\)?/m);
  assert.match(
    page,
    /^Runbook: \[docs\/runbook\.md#okmm-drain-stuck\]\(\.\.\/\.\.\/docs\/runbook\.md#okmm-drain-stuck\)$/m,
  );
  assert.match(page, /^Log: \[worker-2\.log\]\(\.\.\/\.\.\/logs\/prod\/worker-2\.log\)$/m);
  assert.match(page, /^Build logs: \[onload-build-1\.log\]/m);
  assert.match(page, /^\| boot ID \| 6a3d1f60-\S+ \| b7c9e2aa-\S+ \|$/m);
});

test("what comes from elsewhere stays text in Markdown, in the cell that it is put into", () => {
  const page = markdownReport(reportFrom(hostileRun()));
  assert.doesNotMatch(marked.parse(page, { async: false }), /<script|<img|\u001b/);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab_*`[]()<>&|\\!#~\n ".split(/(?:)/)) }), (value) => {
      const table = marked.parse(`| x |\n| --- |\n| ${text(`a${value}a`)} |`, { async: false });
      const [cell, ...others] = [...table.matchAll(/<td>(.*?)<\/td>/gs)].map((match) => match[1] ?? "");
      assert.deepEqual(others, []);
      assert.doesNotMatch(cell ?? "<", /<(?!\/?$)/, cell);
    }),
  );
});
