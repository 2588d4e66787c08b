/** The table of docs/access.md: every right, why, and who was seen to use it; `ONLOAD_KMM_RECORD=1` writes it. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { rightsOf, type Right, type RightsFor } from "../../core/cluster/rights.ts";
import { inWords, needsOf } from "../../core/cluster/rightsGranted.ts";
import { between } from "../../scripts/documents/between.ts";
import { table } from "../../scripts/documents/nodeTables.ts";
import type { Account } from "./account.ts";

const late = "when something takes long";

const page = join(projectRoot, "docs/access.md");

const cancels = "when a build is cancelled";

/** What this life doesn't ask for, and why; {@link late} may be asked for, when something takes long. */
const unseen: Readonly<Record<string, string>> = {
  "update leases.coordination.k8s.io in namespace kube-node-lease": late,
  "get configmaps in namespace openshift-config": "where the cluster names `additionalTrustedCA`",
  "delete imagestreamtags.image.openshift.io in namespace onload-kmm": "when an image isn't signed",
  'create buildconfigs.build.openshift.io/instantiatebinary "onload-srpm" in namespace onload-kmm':
    "`up`, but the sandbox's gateway answers it itself, and asks nobody",
  "get builds.build.openshift.io in namespace onload-kmm": cancels,
  "patch builds.build.openshift.io in namespace onload-kmm": cancels,
  "create builds.build.openshift.io/docker in namespace onload-kmm":
    "OpenShift's own admission, which the sandbox lacks",
  "delete pods in namespace onload-kmm": "when a worker hangs",
};

/** Checks that the page has the rights of all these settings, as they were used. */
export async function compareTable(settings: readonly RightsFor[], account: Account): Promise<void> {
  const rights = new Map(settings.flatMap(rightsOf).map((right) => [inWords(needsOf(right)).join("<br>"), right]));
  const problems: string[] = [];
  const rows = [...rights].map(([words, right]) => [words, right.why, usersOf(right, account, problems), lack(right)]);
  const head = ["may", "why", "used by", "without it"];
  const text = await readFile(page, "utf8");
  const wanted = await format(between(text, "rights", `\n${table(head, rows)}\n`), {
    parser: "markdown",
    printWidth: 120,
  });
  assert.deepEqual(problems, []);
  if (process.env["ONLOAD_KMM_RECORD"] === "1") await writeFile(page, wanted);
  else assert.equal(text, wanted);
}

const lack = ({ isForWords }: Right): string => (isForWords === true ? "a message says less" : "`preview` refuses");

function usersOf(right: Right, account: Account, problems: string[]): string {
  if (right.isForWords === true) return "";
  const users = new Set<string>();
  for (const need of needsOf(right)) {
    const [words = ""] = inWords([need]);
    const uses = account.using(need);
    const reason = unseen[words];
    if (uses.length === 0 && reason === undefined) problems.push(`not used: ${words}`);
    if (uses.length > 0 && reason !== undefined && reason !== late) problems.push(`used: ${words}`);
    for (const { command } of uses) users.add(command);
  }
  const reasons = needsOf(right).flatMap((need) => {
    const [words = ""] = inWords([need]);
    const reason = unseen[words];
    return reason === undefined ? [] : [`${need.verb}: ${reason}`];
  });
  return [[...users].sort().join(", "), ...new Set(reasons)].filter((part) => part !== "").join("; ");
}
