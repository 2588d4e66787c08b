import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { moduleFault } from "../../kmm/admission/module.ts";
import { type LineName, LINES } from "../../kmm/lines.ts";
import type { Module, ModuleContainer, Toleration } from "../../kmm/resources.ts";

const MAPPING = { regexp: "^.+$", containerImage: "quay.io/a/b:t" };
const MAPPINGS = "failed to validate kernel mappings: ";

const fault = (module: Module, old?: Module, name: LineName = "2.4.1"): string | undefined =>
  moduleFault({ line: LINES[name], openshift: "4.19.17" }, module, old);

function moduleWith(
  container: Partial<ModuleContainer>,
  more: { tolerations?: Toleration[]; name?: string } = {},
): Module {
  const { name = "onload", tolerations = [] } = more;
  const defaults = { modprobe: { moduleName: "onload" }, kernelMappings: [MAPPING] };
  return {
    metadata: { name, namespace: "onload-kmm" },
    spec: { selector: {}, tolerations, moduleLoader: { container: { ...defaults, ...container } } },
  };
}

/** The messages are those that the real webhook of 2.4.1 was seen to send. */
describe("KMM's webhook on Modules refuses", () => {
  const cases: [string, Module, string][] = [
    [
      "a long name",
      moduleWith({}, { name: "m".repeat(31) }),
      "module name and namespace have a combined length of 41 characters, which exceeds the maximum of 40 when version is set",
    ],
    [
      "regexp and literal",
      moduleWith({ kernelMappings: [{ ...MAPPING, literal: "5.14" }] }),
      `${MAPPINGS}regexp and literal are mutually exclusive properties at kernelMappings[0]`,
    ],
    [
      "neither",
      moduleWith({ kernelMappings: [MAPPING, { containerImage: "a:b" }] }),
      `${MAPPINGS}regexp or literal must be set at kernelMappings[1]`,
    ],
    [
      "a regexp that RE2 doesn't know",
      moduleWith({ kernelMappings: [{ ...MAPPING, regexp: "a(?=b)" }] }),
      `${MAPPINGS}invalid regexp at index 0: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
    [
      "a broken regexp",
      moduleWith({ kernelMappings: [{ ...MAPPING, regexp: "(" }] }),
      `${MAPPINGS}invalid regexp at index 0: error parsing regexp: missing closing ): \`(\``,
    ],
    [
      "no image at all",
      moduleWith({ kernelMappings: [{ regexp: ".", containerImage: "" }] }),
      `${MAPPINGS}missing spec.moduleLoader.container.kernelMappings[0].containerImage`,
    ],
    [
      "an image without tag",
      moduleWith({ kernelMappings: [{ regexp: ".", containerImage: "quay.io/a/b" }] }),
      `${MAPPINGS}failed to validate image format: container image must explicitely set a tag or digest; got: quay.io/a/b`,
    ],
    ["no moduleName", moduleWith({ modprobe: {} }), "load and unload rawArgs must be set when moduleName is unset"],
    [
      "moduleName and rawArgs",
      moduleWith({ modprobe: { moduleName: "a", rawArgs: { load: ["x"] } } }),
      "rawArgs cannot be set when moduleName is set",
    ],
    [
      "a loading order of one",
      moduleWith({ modprobe: { moduleName: "a", modulesLoadingOrder: ["a"] } }),
      "if a loading order is defined, at least two values must be defined",
    ],
    [
      "a loading order that starts elsewhere",
      moduleWith({ modprobe: { moduleName: "a", modulesLoadingOrder: ["b", "a"] } }),
      "if a loading order is defined, the first element must be moduleName",
    ],
    [
      "a loading order with a name twice",
      moduleWith({ modprobe: { moduleName: "onload", modulesLoadingOrder: ["onload", "sfc", "sfc"] } }),
      '"sfc": duplicate value in the loading order list',
    ],
    [
      "both in-tree fields",
      moduleWith({ inTreeModuleToRemove: "sfc", inTreeModulesToRemove: ["sfc"] }),
      `${MAPPINGS}only one of the Container's fields: InTreeModulesToRemove or InTreeModuleToRemove can be defined`,
    ],
    [
      "in-tree fields mixed over container and mapping",
      moduleWith({ inTreeModuleToRemove: "sfc", kernelMappings: [{ ...MAPPING, inTreeModulesToRemove: ["sfc"] }] }),
      `${MAPPINGS}only one type if field (InTreeModuleToRemove or InTreeModulesToRemove) can be defined in KenrelMapping or Container`,
    ],
    [
      "an unknown operator",
      moduleWith({}, { tolerations: [{ key: "a", operator: "Foo" }] }),
      "failed to validate Module's tolerations: Toleration[0] invalid operator 'Foo', allowed values are ['Equal', 'Exists']",
    ],
    [
      "an empty key without Exists",
      moduleWith({}, { tolerations: [{ operator: "Exists" }, { operator: "Equal" }] }),
      "failed to validate Module's tolerations: Toleration[1] operator must be 'Exists' when key is empty",
    ],
    [
      "tolerationSeconds without NoExecute",
      moduleWith({}, { tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 1 }] }),
      "failed to validate Module's tolerations: Toleration[0] effect must be 'NoExecute' when tolerationSeconds is set",
    ],
  ];
  for (const [name, module, message] of cases) test(name, () => assert.equal(fault(module), message));

  test("a version that comes or goes", () => {
    const message = "cannot update to or from an empty version; please delete the Module and create it again";
    assert.equal(fault(moduleWith({ version: "1" }), moduleWith({})), message);
    assert.equal(fault(moduleWith({ version: "" }), moduleWith({ version: "1" })), message);
    assert.equal(fault(moduleWith({ version: "2" }), moduleWith({ version: "1" })), undefined);
  });
});

describe("KMM's webhook on Modules accepts", () => {
  const cases: [string, Module][] = [
    ["a good Module", moduleWith({})],
    ["40 characters", moduleWith({}, { name: "m".repeat(30) })],
    [
      "an image by digest",
      moduleWith({ kernelMappings: [{ regexp: ".", containerImage: `a/b@sha256:${"0".repeat(64)}` }] }),
    ],
    ["what is no image", moduleWith({ kernelMappings: [{ regexp: ".", containerImage: "::: not an image" }] })],
    ["a registry's port for a tag", moduleWith({ kernelMappings: [{ regexp: ".", containerImage: "host:5000/a/b" }] })],
    ["a version that is no label", moduleWith({ version: "not a label!" })],
    [
      "an image of the container only",
      moduleWith({ containerImage: "a:b", kernelMappings: [{ regexp: ".", containerImage: "" }] }),
    ],
    ["Exists without a key", moduleWith({}, { tolerations: [{ operator: "Exists" }] })],
  ];
  for (const [name, module] of cases) test(name, () => assert.equal(fault(module), undefined));
});

describe("KMM's webhook on Modules, by line", () => {
  const secrets = { keySecret: { name: "key" }, certSecret: { name: "cert" } };
  const signing = (filesToSign?: string[]) => ({ ...secrets, ...(filesToSign === undefined ? {} : { filesToSign }) });
  const says = (module: Module): (string | undefined)[] =>
    (["2.4.1", "2.4", "2.5", "2.6", "2.7"] as const).map((name) => fault(module, undefined, name));

  test("files to sign must be named, below the image's directory, from 2.6 on", () => {
    const none = "global Sign: filesToSign is required when Sign is set";
    assert.deepEqual(says(moduleWith({ sign: signing() })), [undefined, undefined, undefined, none, none]);
    const outside = 'kernelMappings[0].Sign: filesToSign["/optional/a.ko"] must be under dirName "/opt"';
    const mapping = { ...MAPPING, sign: signing(["/opt/lib/*.ko", "/optional/a.ko"]) };
    assert.deepEqual(says(moduleWith({ kernelMappings: [mapping] })), [
      undefined,
      undefined,
      undefined,
      outside,
      outside,
    ]);
    const own = moduleWith({ modprobe: { moduleName: "a", dirName: "/mods" }, sign: signing(["/mods/a.ko"]) });
    assert.deepEqual(says(own), [undefined, undefined, undefined, undefined, undefined]);
  });

  test("2.6 and later say that it is modprobe", () => {
    const bare = "load and unload rawArgs must be set when moduleName is unset";
    const named = `failed to validate modprobe: ${bare}`;
    assert.deepEqual(says(moduleWith({ modprobe: {} })), [bare, bare, bare, named, named]);
  });

  test("2.7 takes one character more", () => {
    const tooLong = (length: number, limit: number): string =>
      `module name and namespace have a combined length of ${length} characters, ` +
      `which exceeds the maximum of ${limit} when version is set`;
    const named = (length: number): Module => moduleWith({}, { name: "m".repeat(length - "onload-kmm".length) });
    const old = tooLong(41, 40);
    assert.deepEqual(says(named(41)), [old, old, old, old, undefined]);
    assert.equal(says(named(42)).at(-1), tooLong(42, 41));
  });

  test("2.7 refuses DRA on an OpenShift that is too old for it", () => {
    const module = moduleWith({});
    assert.equal(
      fault({ ...module, spec: { ...module.spec, dra: { driverName: "a.example" } } }, undefined, "2.7"),
      "failed to validate DRA: spec.dra requires OpenShift 4.21 or later; current cluster version is 4.19",
    );
  });
});
