import assert from "node:assert/strict";
import { test } from "node:test";
import { help, parseOptions, type Options } from "../../scripts/init/options.ts";

function good(...args: string[]): Options {
  const options = parseOptions(args);
  assert.ok(options !== "help" && !("problems" in options), JSON.stringify(options));
  return options;
}

function problems(...args: string[]): readonly string[] {
  const options = parseOptions(args);
  assert.ok(options !== "help" && "problems" in options, JSON.stringify(options));
  return options.problems;
}

test("a stack's name is enough: what else is needed is found out later", () => {
  const { stack, nodes, addressType, addresses, write, ...rest } = good("prod");
  assert.deepEqual([stack, nodes, addressType, addresses, write], ["prod", undefined, undefined, new Map(), []]);
  assert.deepEqual([rest["host-keys"], rest["ssh-user"], rest["ssh-agent"]], ["api", "core", false]);
  assert.equal(good("--stack", "prod").stack, "prod");
});

test("lists are given by comma, addresses one by one", () => {
  const { nodes, addressType, addresses, write } = good(
    ...[
      "prod",
      "--nodes",
      "a, b,c",
      "--address",
      "Hostname",
      "--address",
      "a=10.0.0.1:2222",
      "--address",
      "b=[fd00::1]",
    ],
    ...["--write", "host-keys,new-nodes", "--write", "release"],
  );
  assert.deepEqual(nodes, ["a", "b", "c"]);
  assert.equal(addressType, "Hostname");
  assert.deepEqual(
    [...addresses],
    [
      ["a", "10.0.0.1:2222"],
      ["b", "[fd00::1]"],
    ],
  );
  assert.deepEqual(write, ["host-keys", "new-nodes", "release"]);
});

test("all mistakes are told at once", () => {
  const told = problems(
    ...[
      "--address",
      "IP",
      "--address",
      "a=",
      "--host-keys",
      "none",
      "--write",
      "all",
      "--nodes",
      "a",
      "--selector",
      "b=c",
    ],
    ...["--ssh-key", "f", "--ssh-agent"],
  );
  assert.deepEqual(told, [
    "the stack's name is missing: `npm run init -- STACK`, more by --help",
    "--address: found IP, expected InternalIP, ExternalIP, Hostname, InternalDNS, ExternalDNS, Name, NAME=HOST",
    "--address: found a=, expected NAME=HOST",
    "--host-keys: found none, expected api, keyscan",
    "--write: found all, expected new-nodes, gone-nodes, host-keys, addresses, cluster, release, nodes-file",
    "--nodes and --selector: give one of them",
    "--ssh-key and --ssh-agent: give one of them",
  ]);
});

test("an unknown option, a second name and a name that can't be a label are refused", () => {
  assert.match(problems("prod", "--wirte", "all")[0] ?? "", /Unknown option '--wirte'/);
  assert.match(problems("prod", "other")[0] ?? "", /^found other after the stack's name/);
  assert.match(problems("-prod-")[0] ?? "", /option/);
  assert.match(problems("prod_")[0] ?? "", /^stack: found "prod_"/);
});

test("--help tells every option", () => {
  assert.equal(parseOptions(["--help"]), "help");
  const told = [
    ...["context", "kubeconfig", "release", "ssh-key", "ssh-agent", "ssh-user", "nodes", "selector", "address"],
    ...["host-keys", "image", "write", "config-file"],
  ];
  for (const option of told) assert.ok(help.includes(`  --${option} `) || help.includes(`  --${option}\n`), option);
});
