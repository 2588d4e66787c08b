import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DockerfileParser, type Copy, type Dockerfile, type From } from "dockerfile-ast";

const assets = join(import.meta.dirname, "..", "..", "assets");
const kmodDockerfiles = ["driver-toolkit.Dockerfile", "entitled-ubi.Dockerfile"];

const read = (name: string): { text: string; parsed: Dockerfile } => {
  const text = readFileSync(join(assets, name), "utf8");
  return { text, parsed: DockerfileParser.parse(text) };
};

const runLines = (parsed: Dockerfile): string[] =>
  parsed
    .getInstructions()
    .filter((instruction) => instruction.getKeyword() === "RUN")
    .map((instruction) => instruction.getArgumentsContent() ?? "");

/** `name: line` of each variable that the builder would replace by nothing: a stage sees only its own ARG lines. */
function undeclared(parsed: Dockerfile): string[] {
  const global = new Set(parsed.getInitialARGs().map((argument) => argument.getProperty()?.getName()));
  const stage = new Set<string | undefined>();
  return parsed.getInstructions().flatMap((instruction) => {
    const keyword = instruction.getKeyword();
    if (keyword === "FROM") stage.clear();
    if (keyword === "ARG") stage.add(/^[^=]+/.exec(instruction.getArgumentsContent() ?? "")?.[0]);
    const known = keyword === "FROM" ? global : stage;
    return instruction
      .getVariables()
      .map((variable) => variable.getName())
      .filter((name) => !known.has(name))
      .map((name) => `${name}: ${instruction.toString()}`);
  });
}

test("there are the three Dockerfiles", () => {
  const names = readdirSync(assets).filter((name) => name.endsWith("Dockerfile"));
  assert.deepEqual(names.sort(), [...kmodDockerfiles, "srpm.Dockerfile"].sort());
});

test("the check for undeclared arguments finds the mistake that a build says nothing about", () => {
  const parsed = DockerfileParser.parse(
    'ARG KERNEL\nFROM a:1 AS build\nRUN depmod -b /opt "${KERNEL}"\nFROM b:1\nARG KERNEL\nRUN echo ${KERNEL}\n',
  );
  assert.equal(undeclared(parsed).length, 1);
});

for (const name of [...kmodDockerfiles, "srpm.Dockerfile"]) {
  test(`${name}: every stage declares the arguments that it uses`, () => {
    assert.deepEqual(undeclared(read(name).parsed), []);
  });

  test(`${name}: no image floats`, () => {
    const { text, parsed } = read(name);
    assert.doesNotMatch(text, /:latest/);
    const stages = parsed.getFROMs().map((from: From) => from.getImage() ?? "");
    for (const image of stages) assert.match(image, /^\$\{[A-Z_]+\}$|^scratch$/);
    for (const argument of parsed.getInitialARGs()) {
      const value = argument.getProperty()?.getValue();
      if (value != null) assert.match(value, /^[^:]+(:\d+)?\/[^:]+:\d[\w.-]*$/);
    }
  });

  test(`${name}: no waiting, and nothing but our scripts runs`, () => {
    const { text, parsed } = read(name);
    assert.doesNotMatch(text, /\bsleep\b/);
    for (const line of runLines(parsed)) {
      assert.match(line, /^sh \/onload\/[a-z-]+\.sh "\$\{KERNEL_FULL_VERSION\}"( \/opt)?$/);
    }
  });
}

for (const name of kmodDockerfiles) {
  test(`${name}: the source image comes by build argument, the modules alone go into the final image`, () => {
    const { parsed } = read(name);
    const froms = parsed.getFROMs().map((from: From) => [from.getImage(), from.getBuildStage()]);
    assert.deepEqual(froms[0], ["${SRPM_IMAGE}", "srpm"]);
    assert.deepEqual(froms.at(-1), ["${BASE_IMAGE}", null]);
    const copies = parsed.getCOPYs().map((copy: Copy) => copy.toString());
    const modules = "/opt/lib/modules/${KERNEL_FULL_VERSION}/";
    assert.deepEqual(copies, ["COPY --from=srpm /onload/ /onload/", `COPY --from=build ${modules} ${modules}`]);
    const lastFrom = parsed.getFROMs().at(-1)?.getRange().start.line ?? 0;
    const after = parsed.getInstructions().filter((instruction) => instruction.getRange().start.line > lastFrom);
    assert.deepEqual(
      after.map((instruction) => instruction.getKeyword()),
      ["ARG", "COPY"],
    );
  });
}

test("driver-toolkit needs no network; only it mentions DTK_AUTO, the word by which KMM looks for a Driver Toolkit", () => {
  const { parsed, text } = read("driver-toolkit.Dockerfile");
  assert.deepEqual(runLines(parsed), ['sh /onload/build-kmod.sh "${KERNEL_FULL_VERSION}" /opt']);
  assert.match(text, /FROM \$\{DTK_AUTO\} AS build/);
  assert.doesNotMatch(read("entitled-ubi.Dockerfile").text, /DTK_AUTO/);
});

test("entitled-ubi installs the packages before it builds", () => {
  assert.deepEqual(runLines(read("entitled-ubi.Dockerfile").parsed), [
    'sh /onload/entitled-packages.sh "${KERNEL_FULL_VERSION}"',
    'sh /onload/build-kmod.sh "${KERNEL_FULL_VERSION}" /opt',
  ]);
});

test("the source image has all that the others run", () => {
  const { parsed } = read("srpm.Dockerfile");
  assert.deepEqual(
    parsed.getCOPYs().map((copy: Copy) => copy.toString()),
    ["COPY *.src.rpm *.sh /onload/"],
  );
  const scripts = kmodDockerfiles.flatMap((name) =>
    runLines(read(name).parsed).map((line) => /\/onload\/(\S+)/.exec(line)?.[1]),
  );
  for (const script of scripts) assert.ok(readdirSync(assets).includes(script ?? "?"), script);
});
