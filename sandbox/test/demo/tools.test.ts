import assert from "node:assert/strict";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { newestReport } from "../../demo/reports.ts";
import { Tools } from "../../demo/tools.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "onload-kmm-demo-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("all that a tool says is kept in the log, of both streams, with its command line and its end", async (t) => {
  const log = join(await folder(t), "logs", "demo.log");
  const tools = await Tools.open(log, tmpdir(), process.env);
  const saw: string[] = [];
  const ran = await tools.run("sh", ["-c", "echo one; printf '\\033[31mtwo' >&2; exit 3"], (line) => saw.push(line));
  assert.equal(ran.exitCode, 3);
  assert.deepEqual(ran.lines.toSorted(), ["one", "two"]);
  assert.deepEqual(saw, ran.lines);
  await tools.run("true", []);
  await tools.close();
  const [first, ...rest] = (await readFile(log, "utf8")).split("\n");
  assert.match(first ?? "", /^\$ sh -c echo one/);
  assert.deepEqual(rest.slice(0, 2).sort(), ["one", "two"]);
  assert.deepEqual(rest.slice(2), ["exit code 3", "", "$ true", "exit code 0", "", ""]);
});

test("the newest report is the last by its name; a folder that isn't there has none", async (t) => {
  const reports = join(await folder(t), "reports");
  assert.equal(await newestReport(reports), undefined);
  await mkdir(reports);
  for (const name of ["2026-11-26T10.html", "2026-11-26T12.html", "2026-11-26T13.md"])
    await writeFile(join(reports, name), "");
  assert.equal(await newestReport(reports), join(reports, "2026-11-26T12.html"));
});
