import type { KubeObject, Resource } from "../kube.ts";

/** A reference to an image: kind `DockerImage` (a pull spec) or `ImageStreamTag` (`NAME:TAG`). */
interface ImageReference {
  kind: string;
  name: string;
  namespace?: string;
}

/** A Secret or ConfigMap mounted into a build's RUN containers. */
export interface BuildVolume {
  name: string;
  source: { type: string; secret?: { secretName?: string; optional?: boolean }; configMap?: { name?: string } };
  mounts?: { destinationPath?: string }[];
}

/** `spec.strategy.dockerStrategy`. */
interface DockerStrategy {
  dockerfilePath?: string;
  from?: ImageReference;
  pullSecret?: { name?: string } | null;
  buildArgs?: { name: string; value?: string }[];
  env?: { name: string; value?: string }[];
  volumes?: BuildVolume[];
}

/** What BuildConfigs and Builds have in common. */
export interface CommonSpec {
  serviceAccount?: string;
  mountTrustedCA?: boolean;
  source?: { type?: string; dockerfile?: string; contextDir?: string; binary?: { asFile?: string } };
  strategy?: { type?: string; dockerStrategy?: DockerStrategy };
  output?: { to?: ImageReference; pushSecret?: { name?: string } | null };
}

/** The phases of a Build, the last four of them final. */
type BuildPhase = "New" | "Pending" | "Running" | "Complete" | "Failed" | "Error" | "Cancelled";

export interface BuildStatus {
  phase?: BuildPhase;
  cancelled?: boolean;
  reason?: string;
  message?: string;
  logSnippet?: string;
  startTimestamp?: string;
  completionTimestamp?: string;
  /** Nanoseconds. */
  duration?: number;
  outputDockerImageReference?: string;
  config?: { kind?: string; name?: string; namespace?: string };
  output?: { to?: { imageDigest?: string } };
}

export interface Build extends KubeObject {
  spec: CommonSpec & { triggeredBy?: { message?: string }[] };
  status?: BuildStatus;
}

export interface BuildConfig extends KubeObject {
  spec: CommonSpec & { runPolicy?: string; successfulBuildsHistoryLimit?: number; failedBuildsHistoryLimit?: number };
  status?: { lastVersion?: number };
}

/** One image that a tag has pointed to, newest first. */
export interface TagEvent {
  created: string;
  dockerImageReference: string;
  image: string;
  generation?: number;
}

export interface ImageStream extends KubeObject {
  spec?: {
    lookupPolicy?: { local: boolean };
    tags?: { name: string; from?: ImageReference }[];
  };
  status?: { dockerImageRepository?: string; tags?: { tag: string; items?: TagEvent[] | null }[] };
}

export const builds: Resource<Build> = {
  group: "build.openshift.io",
  version: "v1",
  plural: "builds",
  kind: "Build",
  namespaced: true,
};

export const buildConfigs: Resource<BuildConfig> = {
  group: "build.openshift.io",
  version: "v1",
  plural: "buildconfigs",
  kind: "BuildConfig",
  namespaced: true,
};

export const imageStreams: Resource<ImageStream> = {
  group: "image.openshift.io",
  version: "v1",
  plural: "imagestreams",
  kind: "ImageStream",
  namespaced: true,
};

const TERMINAL: readonly string[] = ["Complete", "Failed", "Error", "Cancelled"];

/** Whether the Build has ended, one way or the other. */
export const isTerminal = (build: Build): boolean => TERMINAL.includes(build.status?.phase ?? "New");

/** The label by which a Build tells its BuildConfig. */
export const BUILD_CONFIG_LABEL = "openshift.io/build-config.name";
