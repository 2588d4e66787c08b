/** That no value of the configuration reaches a shell but as data: every key, with what a shell would obey in it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keys } from "../../core/configuration/keys.ts";
import { parseSettings } from "../../core/configuration/parseSettings.ts";
import { inputVariable } from "../../core/names.ts";
import type { Registration } from "../components/harness.ts";
import { asPulumi, changed, complete } from "../core/configuration/settings.ts";
import { filesFor, run, signingPair } from "../program/program.ts";
import { assertTold } from "./hostile.ts";

/** Each begins as itself: it is looked for in what the program registers. */
const markers = [
  "$(touch x)",
  "`touch x`",
  "';touch x;'",
  '";touch x;"',
  "a\ntouch x\n",
  "--option=x",
  "${IFS}|touch${IFS}x",
  "&touch x&",
  "ünï 'x' \\",
];

/** A form in which a key may take the marker, beside the marker alone. */
const forms: Readonly<Record<string, (marker: string) => string>> = {
  "release.package": (marker) => `${marker}.zip`,
  "build.baseImage": (marker) => `registry.example.com/x:${marker}`,
  "build.nextKernels[].kernel": (marker) => `5.14.0-570.62.1.el9_6.x86_64${marker}`,
  "nodes[].bmc.url": (marker) => `https://bmc/${marker}/Systems/1`,
  "nodes[].console": (marker) => `tcp:${marker}:7001`,
  "nodes[].address": (marker) => `${marker}:22`,
};

const secrets = ["signingKey", "mokPassword", "bmcCredentials"];
const whole = {
  ...complete,
  signing: { ...complete.signing, source: "existing" },
  signingKey: signingPair.key,
  signingCertificate: signingPair.certificate,
  mokPassword: "correcthorsebattery",
  bmcCredentials: { user: "u", password: "p" },
};
const strings = keys.filter(({ type, enum: choice }) => type === "string" && choice === undefined);
const placeOf = (path: string): (string | number)[] =>
  path.split(/\.|(\[\])\.?/).flatMap((step: string | undefined) => (step ? [step === "[]" ? 0 : step] : []));
const parse = (settings: object) => parseSettings(asPulumi(settings), (key) => secrets.includes(key));

/** The value of a key with a marker in it that the configuration takes; undefined where it takes none, and says so. */
function taken(path: string, marker: string): string | undefined {
  const place = placeOf(path);
  for (const value of [marker, ...(forms[path] === undefined ? [] : [forms[path](marker)])]) {
    const { problems } = parse(changed(whole, place, value));
    if (problems.length === 0) return value;
    const about = problems.filter((problem) => problem.startsWith(`onload-kmm:${String(place[0])}`));
    assert.ok(about.length > 0, `${path}: ${problems.join("\n")}`);
    for (const problem of problems) assertTold(problem, 3000);
  }
  return undefined;
}

test("every key that is a text is tried, and the whole configuration is a good one", () => {
  assert.deepEqual(parse(whole).problems, []);
  assert.ok(strings.length >= 25);
  for (const { path } of strings) assert.ok(placeOf(path).length > 0);
});

/** What this program gives a shell: the texts of its commands. */
const commandsIn = (registrations: readonly Registration[]): Registration[] =>
  registrations.filter(({ type }) => type.startsWith("command:"));

const stub = `#!/bin/sh
printf %s "$${inputVariable}" >"$OUT/seen"
printf '%s\\n' "$@" >"$OUT/arguments"
cat >"$OUT/stdin"
`;

/** Runs a command's text by a real shell, with a stand-in for the program's own Node. */
async function inShell(directory: string, { inputs }: Registration): Promise<void> {
  const environment = open(inputs["environment"] ?? {}) as Record<string, string>;
  const stdin = open(inputs["stdin"] ?? "") as string;
  for (const kind of ["create", "update", "delete"]) {
    const command = inputs[kind];
    if (typeof command !== "string" || command === "true") continue;
    const out = await mkdtemp(join(directory, "out-"));
    execFileSync("/bin/sh", ["-c", command], {
      cwd: directory,
      env: { PATH: process.env["PATH"], OUT: out, ...environment },
      input: stdin,
    });
    assert.equal(await readFile(join(out, "seen"), "utf8"), environment[inputVariable] ?? "");
    assert.equal(await readFile(join(out, "stdin"), "utf8"), stdin);
    assert.match(await readFile(join(out, "arguments"), "utf8"), /^steps\/[A-Za-z]+\.ts\n$/);
  }
}

/** A value without the marks of secrets. */
function open(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("secret" in value) return value.secret;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, open(member)]));
}

/** Texts that somebody hands to a shell: a container's command, a Dockerfile, a script. */
function shellTexts(value: unknown, name = ""): string[] {
  if (typeof value === "string")
    return /^(command|args|dockerfile|create|update|delete|script)$/i.test(name) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => shellTexts(member, Array.isArray(value) ? name : key));
}

for (const marker of markers) {
  test(`no key's value is obeyed: ${JSON.stringify(marker)}`, async (t) => {
    const files = await filesFor(t);
    const directory = await mkdtemp(join(tmpdir(), "onload-kmm-shell-"));
    t.after(() => rm(directory, { recursive: true }));
    await mkdir(join(directory, "node_modules/.bin"), { recursive: true });
    await writeFile(join(directory, "node_modules/.bin/node"), stub);
    await chmod(join(directory, "node_modules/.bin/node"), 0o755);

    let settings: object = { ...whole, release: files.release, ssh: { ...whole.ssh, privateKeyFile: files.sshKey } };
    const accepted: string[] = [];
    for (const { path } of strings) {
      const value = taken(path, marker);
      if (value === undefined) continue;
      accepted.push(path);
      settings = changed(settings, placeOf(path), await real(path, value, { directory, files }));
    }
    const { registrations, error } = await run({ config: settings as Record<string, unknown>, secrets });
    assert.equal(error, undefined);
    const commands = commandsIn(registrations);
    assert.ok(commands.length > 5);
    for (const command of commands) await inShell(directory, command);
    const left = await readdir(directory);
    assert.ok(!left.includes("x") && !left.includes("option"), `${accepted.join(", ")}: ${left.join(" ")}`);
    for (const { name, inputs } of registrations) {
      for (const text of shellTexts(open(inputs))) assert.ok(!text.includes(marker), `${name}: ${text}`);
    }
    // It did arrive: what was taken is among the inputs, as it was given.
    const all = JSON.stringify(registrations.map(({ inputs }) => open(inputs)));
    const shown = (text: string) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1);
    if (accepted.includes("ssh.user")) assert.ok(all.includes(shown(marker)), marker);
  });
}

/** A value that names a file names one that is there. */
async function real(
  path: string,
  value: string,
  { directory, files }: { directory: string; files: Awaited<ReturnType<typeof filesFor>> },
): Promise<string> {
  const file = join(directory, `f${value.replaceAll("/", "_")}`);
  if (path === "release.package") await copyFile(files.release.package, file);
  else if (path === "ssh.privateKeyFile") {
    await copyFile(files.sshKey, `${file}.key`);
    await rename(`${file}.key`, file);
  } else return value;
  return file;
}

test("a shell is started for a console's command, and for kubectl's proxy with a text of ours; kubectl, npm, ps and Pulumi get lists of arguments", async () => {
  const root = join(import.meta.dirname, "../..");
  const sources = globSync(["*.ts", "{components,core,scripts,steps}/**/*.ts"], { cwd: root });
  const texts = await Promise.all(
    sources.map(async (file) => [file, await readFile(join(root, file), "utf8")] as const),
  );
  const starting = texts
    .filter(([, text]) => /^import (?!type ).* from "(node:child_process|execa)"/m.test(text))
    .map(([file]) => file);
  assert.deepEqual(starting.sort(), [
    "scripts/sbom.ts",
    "scripts/stack.ts",
    "steps/cluster/kubeProxy.ts",
    "steps/cluster/kubectl.ts",
    "steps/firmware/console/consoleCommand.ts",
    "steps/lib/runner.ts",
  ]);
  const proxy = new Map(texts).get("steps/cluster/kubeProxy.ts") ?? "";
  assert.deepEqual(proxy.match(/spawn\(.*/g), ['spawn("sh", ["-c", tied, "sh", directory, ...command], options);']);
  const tied = /^const tied = \[(.*?)^\]/ms.exec(proxy)?.[1] ?? "";
  assert.match(tied, /^ {2}'"\$@" & /m);
  assert.doesNotMatch(tied, /`/);
  for (const [file, text] of texts) {
    assert.doesNotMatch(text, /shell: true|\bexecSync\(|[^.]\bexec\(/, file);
    // On nodes, too: what is run there is the text of our own tools.
    if (text.includes("runRemote(") && file !== "steps/node/ssh.ts") assert.match(text, /toolCommand\(/, file);
  }
});
