import pulumiRules from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

/** What a room of the house may not import: docs/architecture.md, column "never". */
const never = (message, ...patterns) => ({ patterns: [{ regex: patterns.join("|"), message }] });
const pulumi = "^@pulumi/";
const laboratory = "^@onload-kmm/|/(sandbox|secure-boot)/";
const upwards = (...rooms) => `^(\\.\\./)+(${rooms.join("|")})(/|\\.ts$)`;
const program = ["components", "index", "config", "preflight"];

const theClock = "take the time from steps/lib/clock.ts";
const byTheClock = (name) => ({ name, message: theClock });
const readsAnotherClock = [
  "MemberExpression[object.name='Date'][property.name='now']",
  "NewExpression[callee.name='Date'][arguments.length=0]",
  "MemberExpression[object.name='AbortSignal'][property.name='timeout']",
].map((selector) => ({ selector, message: theClock }));

/** A length of time or a number of tries that is written down where it is used; 0 is where one begins to count. */
const written = (value) => `[${value}.raw=/^([1-9]|0\\.)/]`;
const aTime = "/(seconds|minutes|hours|ms|patience|pause|delay|interval|timeout|within|tries|attempts)$/i";
const timesAndTries = [
  ...["init", "init.left", "init.argument"].map((value) => `VariableDeclarator[id.name=${aTime}]${written(value)}`),
  ...["value", "value.left", "value.argument"].map((value) => `Property[key.name=${aTime}]${written(value)}`),
  `AssignmentPattern[left.name=${aTime}]${written("right")}`,
  `CallExpression[callee.name=/^(sleep|after|every|within)$/]${written("arguments.0")}`,
].map((selector) => ({ selector, message: "put it into core/patience.ts, with its reason" }));

export default tseslint.config(
  { ignores: ["node_modules/", ".sandbox/", ".test-results/", ".stryker/", "reports/"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ["error", 12],
      "max-depth": ["error", 3],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 4],
      // Numbers and booleans print as they are; only objects in a template are a mistake.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["**/*.ts"],
    plugins: { "@pulumi": pulumiRules },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
    },
  },
  {
    files: ["core/**"],
    ignores: ["core/patience.ts"],
    rules: { "no-restricted-syntax": ["error", ...timesAndTries] },
  },
  {
    files: ["core/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        never(
          "core/ is pure",
          pulumi,
          laboratory,
          upwards(...program, "steps"),
          "^node:(fs|net|http|https|child_process|timers|process)",
        ),
      ],
    },
  },
  {
    files: ["components/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        never(
          "components know core/ only",
          laboratory,
          upwards("steps"),
          "^node:(fs|net|http|https|child_process|timers|process)",
        ),
      ],
    },
  },
  {
    files: ["*.ts", "scripts/**"],
    rules: {
      "no-restricted-imports": ["error", never("the product doesn't know its laboratory", laboratory)],
      "no-restricted-syntax": ["error", ...timesAndTries],
    },
  },
  {
    files: ["sandbox/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        never(
          "the sandbox doesn't know the product",
          upwards(...program, "steps"),
          "/core/(configuration|contracts|cluster|build|node|firmware|names|hash)",
        ),
      ],
    },
  },
  {
    files: ["steps/**"],
    ignores: ["steps/lib/clock.ts"],
    rules: {
      // Time is injected: tests wait for nothing.
      "no-restricted-globals": ["error", ...["setTimeout", "setInterval", "performance"].map(byTheClock)],
      "no-restricted-imports": [
        "error",
        {
          paths: ["node:timers", "node:timers/promises", "node:perf_hooks"].map(byTheClock),
          ...never("steps know core/ and each other only", pulumi, laboratory, upwards(...program)),
        },
      ],
      "no-restricted-syntax": ["error", ...readsAnotherClock, ...timesAndTries],
    },
  },
  {
    files: ["test/**", "sandbox/test/**"],
    rules: {
      // node:test's `test` and `describe` return promises that the runner itself awaits.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it", "suite"] },
          ],
        },
      ],
    },
  },
  { files: ["**/*.js", "**/*.mjs"], extends: [tseslint.configs.disableTypeChecked] },
);
