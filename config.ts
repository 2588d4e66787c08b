import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Told } from "./core/errors.ts";
import { stackNameProblem } from "./core/names.ts";
import { parseSettings } from "./core/configuration/parseSettings.ts";
import type { Settings } from "./core/configuration/settings.ts";
import { expandHome } from "./steps/lib/expandHome.ts";

/** Project namespace of the configuration keys: `onload-kmm:release` and so on. */
const project = "onload-kmm";

/** The whole configuration, checked; secrets as Outputs that stay secret. */
export interface Config extends Omit<
  Settings,
  "signing" | "signingKey" | "signingCertificate" | "mokPassword" | "bmcCredentials"
> {
  readonly signing: Omit<Settings["signing"], "source"> & {
    /** PEMs, with `signing.source: existing`. */
    readonly existing?: { readonly key: pulumi.Output<string>; readonly certificate: string };
  };
  /** The password that MokManager will ask for; generated when absent. */
  readonly mokPassword?: pulumi.Output<string>;
  /** User and password of the nodes' BMCs, with `enrolment.mode: redfish`. */
  readonly bmcCredentials?: pulumi.Output<{ user: string; password: string }>;
}

/**
 * Reads and checks every key of the stack's configuration.
 *
 * @throws pulumi.RunError that lists all mistakes, each with key, value found, what was expected and how to fix it
 */
export function readConfig(): Config {
  const { settings, problems } = parseSettings(rawConfig(), isSecret, { readText });
  const stackProblem = stackNameProblem(pulumi.getStack());
  if (stackProblem !== undefined) problems.push(stackProblem);
  if (settings === undefined || problems.length > 0) throw new pulumi.RunError(problemReport(problems));
  const { signing, signingKey, signingCertificate, mokPassword, bmcCredentials, ...rest } = settings;
  const { subject, protect } = signing;
  const isGiven = signingKey !== undefined && signingCertificate !== undefined;
  return {
    ...rest,
    signing: {
      subject,
      protect,
      ...(isGiven && { existing: { key: pulumi.secret(signingKey), certificate: signingCertificate } }),
    },
    ...(mokPassword !== undefined && { mokPassword: pulumi.secret(mokPassword) }),
    ...(bmcCredentials !== undefined && { bmcCredentials: pulumi.secret(bmcCredentials) }),
  };
}

const readText = (path: string): string => readFileSync(expandHome(path), "utf8");

/** Problems that one message lists: a wrong list of a thousand nodes is one mistake, not three thousand. */
const mostListed = 100;

/** One message for all mistakes: nothing was changed, and none needs a second run to be seen. */
export function problemReport(problems: readonly Told[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const list = problems.slice(0, mostListed).map((problem) => `  - ${problem}\n`);
  if (problems.length > mostListed) list.push(`  - and ${problems.length - mostListed} more, after these\n`);
  return `${count}, nothing was changed:\n${list.join("")}docs/runbook.md explains each, by the name in brackets`;
}

/** All keys of our project as set on the stack, the misspelt ones too, without the project's prefix. */
function rawConfig(): Record<string, string> {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

/** Exported by the SDK's runtime, but left out of its type declarations. */
const runtime = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

const isSecret = (key: string): boolean => runtime.isConfigSecret(`${project}:${key}`);
