/** The list of nodes in a file of its own, and what is said of one that can't be taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { asPulumi, least } from "./settings.ts";

const { nodes, ...rest } = least;
const [node] = nodes;
const list = `# the canary
- name: worker-0
  address: 10.0.0.1
  hostKey: ${node?.hostKey ?? ""}
`;
const named = { ...rest, nodesFile: "nodes.prod.yaml" };
const parse = (settings: object, text: string | Error) =>
  parseSettings(asPulumi(settings), () => false, {
    readText: () => {
      if (typeof text === "string") return text;
      throw text;
    },
  });

test("the file's list stands where the stack's would", () => {
  const asked: string[] = [];
  const readText = (path: string) => {
    asked.push(path);
    return list;
  };
  // Pulumi.yaml gives every stack an empty list.
  const { settings, problems } = parseSettings(asPulumi({ ...named, nodes: [] }), () => false, { readText });
  assert.deepEqual(problems, []);
  assert.deepEqual(settings?.nodes, parseSettings(asPulumi(least), () => false).settings?.nodes);
  assert.deepEqual(asked, ["nodes.prod.yaml"]);
});

test("an entry's mistake is told by its place, as in the stack's own list", () => {
  const { problems } = parse(named, `${list}- name: Worker-1\n  address: 10.0.0.1\n`);
  assert.deepEqual(
    problems.map((problem) => problem.split(": ")[0]),
    ["onload-kmm:nodes[1].name", "onload-kmm:nodes[1].hostKey", "onload-kmm:nodes[1].address"],
  );
});

const expected =
  "expected the path of a YAML file with the list of nodes: [{name, address, hostKey}, …] [OKMM-CONFIG-VALUE]";
const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n";
const bomb = `- &a [x,x,x,x,x,x,x,x,x]\n- &b [*a,*a,*a,*a,*a,*a,*a]\n- &c [*b,*b,*b,*b,*b,*b]\n- &d [*c,*c,*c,*c,*c]\n- [*d,*d,*d]\n`;
const wrong: [what: string, text: string | Error, told: RegExp][] = [
  ["isn't there", Object.assign(new Error(), { code: "ENOENT" }), /: no such file, /],
  ["may not be read", Object.assign(new Error(), { code: "EACCES" }), /: no permission to read it, /],
  ["is a folder", Object.assign(new Error(), { code: "EISDIR" }), /: a directory, /],
  ["fails otherwise", Object.assign(new Error(), { code: "EIO" }), /: EIO, /],
  ["is empty", "", /, which holds no list, /],
  ["holds a mapping", "nodes:\n  - name: worker-0\n", /, which holds no list, /],
  ["is a private key", key, /, which holds no list, /],
  ["is no YAML", `a: b: ${key}`, /: no YAML: Nested mappings .*, /],
  ["fills the memory", bomb, /: no YAML: Excessive alias count .*, /],
];
for (const [what, text, why] of wrong) {
  test(`one problem where the file ${what}`, () => {
    const { problems } = parse(named, text);
    const [problem = "", ...more] = problems;
    assert.deepEqual(more, []);
    assert.match(problem, why);
    assert.ok(problem.startsWith('onload-kmm:nodesFile: found "nodes.prod.yaml"'), problem);
    assert.ok(problem.endsWith(expected), problem);
    assert.ok(!problem.includes("b3Blb"), problem);
  });
}

test("both lists, or a path that is none, are refused once", () => {
  const both = parse({ ...named, nodes }, list).problems;
  assert.equal(both.length, 1);
  assert.match(
    both[0] ?? "",
    /^onload-kmm:nodesFile: found "nodes\.prod\.yaml" beside onload-kmm:nodes, which is to be removed/,
  );
  assert.equal(parse({ ...rest, nodesFile: "" }, list).problems.length, 1);
});

test("where no file is read, none is taken", () => {
  assert.match(parseSettings(asPulumi(named), () => false).problems.join(), /^onload-kmm:nodesFile: found /);
});
