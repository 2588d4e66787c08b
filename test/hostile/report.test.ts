/** A run's records, as a kill, a full disk or somebody else has left them, and the pages that are made from them. */
import assert from "node:assert/strict";
import { htmlReport } from "../../core/report/html.ts";
import { markdownReport } from "../../core/report/markdown.ts";
import { parseRecords } from "../../core/report/records.ts";
import { reportOf } from "../../core/report/report.ts";
import { around, stuckRun } from "../core/report/runs.ts";
import { hostile } from "./hostile.ts";
import { damagedText } from "./inputs.ts";

const sample = stuckRun()
  .records.map((record) => JSON.stringify(record))
  .join("\n");

hostile("run's records", damagedText(sample, sample.replaceAll("worker-", "<script>alert(1)</script>&\"'")), (text) => {
  const report = reportOf(parseRecords(text), around);
  if (report === undefined) return;
  const page = htmlReport(report);
  assert.doesNotMatch(page, /<script|<img|<iframe|javascript:/i);
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /<\/html>\s*$/);
  assert.ok(markdownReport(report).startsWith("# "));
});
