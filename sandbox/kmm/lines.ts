import { UserError } from "../userError.ts";

/**
 * What differs between KMM's releases, as far as it shows. Read in the operator's source
 * (`rh-ecosystem-edge/kernel-module-management`, branches release-2.4 to release-2.7), and compared with each one's own
 * programs by the contract tests; but for `ownTolerations`, `clearsCounters` and `nameLimit`, which are read only.
 */
export interface Line {
  /** What its ClusterServiceVersion says. */
  readonly version: string;
  /** Folders of `crds/` whose definitions and additions it has, beside the common ones. */
  readonly schemas: readonly string[];
  /**
   * Whether Builds are named `<module>-<action>-<kernel>` and their `target-kernel` label is spelled like that too, and
   * AlreadyExists is taken for success (`internal/buildsign/manager.go`, `kernel.DNSSafeKernelVersion`); before, names
   * are generated. Came to 2.4, 2.5.2, 2.6.1 and 2.7 with one commit.
   */
  readonly fixedBuildNames: boolean;
  /** Whether a loaded version shows on the node as `….version.ready` (`nmc_reconciler.go`, UpdateNodeLabels). */
  readonly versionReady: boolean;
  /** Whether Builds push only where `pushBuiltImage` says so (`mbsc_reconciler.go`); before, always. */
  readonly pushesAsAsked: boolean;
  /** Whether a new `imageRebuildTriggerGeneration` makes KMM forget (`mic_reconciler.go`). */
  readonly rebuildTrigger: boolean;
  /**
   * Whether `dirName` is copied as a whole and `filesToSign` are the shell's patterns in it
   * (`internal/buildsign/resource/templates/Dockerfile.gotmpl`); before, each file is copied to and fro.
   */
  readonly signsInDirectory: boolean;
  /** Whether the webhook looks at `filesToSign`, and says which part of the Module is wrong (`webhook/module.go`). */
  readonly checksFilesToSign: boolean;
  /** Whether the Module's namespace gets NetworkPolicies (`internal/networkpolicy`). */
  readonly networkPolicies: boolean;
  /**
   * Whether KMM tolerates the pressure taints by itself, and stores the Module's tolerations for builds, which nothing
   * reads (`internal/module/helper.go`, `mbsc.go`).
   */
  readonly ownTolerations: boolean;
  /** Whether workers mount `/usr/lib/modules` beside `/lib/modules` (`workerpodmanager.go`). */
  readonly mountsUsrLibModules: boolean;
  /** Whether the unsigned image is pushed under the final tag, and then replaced (`resource/common.go`). */
  readonly signsInPlace: boolean;
  /** Whether unloading is one `modprobe -r` with the whole loading order, without softdeps (`worker.go`). */
  readonly unloadsAtOnce: boolean;
  /** Whether a Module that lost its `moduleLoader` loses its counters too (`module_reconciler.go`). */
  readonly clearsCounters: boolean;
  /** The label that follows the worker pod's in an ordered upgrade (`internal/constants`). */
  readonly secondVersionLabel: "version-device-plugin" | "version-schedule-pod";
  /** How many characters a Module's namespace and name may have together (`webhook/module.go`). */
  readonly nameLimit: number;
}

const OBSERVED: Line = {
  version: "2.4.1",
  schemas: [],
  fixedBuildNames: false,
  versionReady: false,
  pushesAsAsked: false,
  rebuildTrigger: false,
  signsInDirectory: false,
  checksFilesToSign: false,
  networkPolicies: false,
  ownTolerations: false,
  mountsUsrLibModules: true,
  signsInPlace: false,
  unloadsAtOnce: false,
  clearsCounters: false,
  secondVersionLabel: "version-device-plugin",
  nameLimit: 40,
};

// The number under which the later 2.4 was released can't be told from its source.
const LATER_2_4: Line = { ...OBSERVED, version: "2.4.2", fixedBuildNames: true };

const TWO_FIVE: Line = {
  ...LATER_2_4,
  version: "2.5.2",
  schemas: ["since-2.5"],
  versionReady: true,
  pushesAsAsked: true,
};

const TWO_SIX: Line = {
  ...TWO_FIVE,
  version: "2.6.1",
  schemas: ["since-2.5", "since-2.6"],
  rebuildTrigger: true,
  signsInDirectory: true,
  checksFilesToSign: true,
  networkPolicies: true,
  ownTolerations: true,
  mountsUsrLibModules: false,
};

const TWO_SEVEN: Line = {
  ...TWO_SIX,
  version: "2.7.0",
  schemas: ["since-2.5", "since-2.6", "since-2.7"],
  signsInPlace: true,
  unloadsAtOnce: true,
  clearsCounters: true,
  secondVersionLabel: "version-schedule-pod",
  nameLimit: 41,
};

/** The stand-in's lines, oldest first. `2.4` is the head of that branch, newer than 2.4.1. */
export const LINES = {
  "2.4.1": OBSERVED,
  "2.4": LATER_2_4,
  "2.5": TWO_FIVE,
  "2.6": TWO_SIX,
  "2.7": TWO_SEVEN,
} as const satisfies Record<string, Line>;

/** The name of a line. */
export type LineName = keyof typeof LINES;

/** Their names, oldest first. */
export const lineNames = Object.keys(LINES) as [LineName, ...LineName[]];

/** What a new sandbox has unless it is asked for another. */
export const defaultLine: LineName = "2.7";

/**
 * Which KMM `--kmm VALUE` asks for.
 * @throws UserError for a line that isn't there.
 */
export function kmmChoice(value: string): LineName {
  const name = lineNames.find((each) => each === value);
  if (name === undefined) {
    throw new UserError(`--kmm ${value}: no such line of KMM; there are ${lineNames.join(", ")}`);
  }
  return name;
}

/**
 * That a sandbox with one KMM may get another: as with OpenShift's operators, there is no way back to an older one.
 * @throws UserError when the new one is older.
 */
export function checkUpgrade(from: LineName, to: LineName): void {
  if (lineNames.indexOf(to) >= lineNames.indexOf(from)) return;
  throw new UserError(
    `--kmm ${to}: this sandbox has ${from}, and an operator can't be taken back to an older version; ` +
      "npm run sandbox -- down --purge, then up again",
  );
}
