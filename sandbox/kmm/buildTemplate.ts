import type { BuildVolume, CommonSpec } from "../openshift/resources.ts";
import type { Context } from "./context.ts";
import { dtkImageFor } from "./driverToolkit.ts";
import { type BuildSignSpec, CONFIG_MAPS } from "./resources.ts";

/** A Build's spec, and what its hash covers: when that changes, the Build is created again. */
export interface Template {
  spec: CommonSpec;
  hashed: unknown;
}

/** One entry of a ModuleBuildSignConfig. */
export interface Entry {
  image: BuildSignSpec;
  imageRepoSecret: { name?: string } | undefined;
  /** Whether the image is pushed at all. */
  push: boolean;
}

/** The data key under which the ConfigMap has the Dockerfile. */
const DOCKERFILE_KEY = "dockerfile";

/** Where an image is that still has to be signed. */
export function unsignedImage(context: Context, image: string, key: { namespace: string; name: string }): string {
  return context.line.signsInPlace ? image : `${image}_${key.namespace}_${key.name}_kmm_unsigned`;
}

/** The in-cluster build of a Dockerfile. The hash covers the Dockerfile's text alone: no arguments, Secrets or tag. */
export async function buildTemplate(
  context: Context,
  key: { namespace: string; name: string },
  { image, imageRepoSecret, push }: Entry,
): Promise<Template> {
  const { build, sign, kernelVersion } = image;
  const dockerfile = await readDockerfile(context, key.namespace, build?.dockerfileConfigMap?.name ?? "");
  const own = {
    ...(dockerfile.includes("DTK_AUTO") ? { DTK_AUTO: await dtkImageFor(context, image) } : {}),
    KERNEL_FULL_VERSION: kernelVersion,
    KERNEL_VERSION: kernelVersion,
    MOD_NAME: key.name,
    MOD_NAMESPACE: key.namespace,
  };
  const users = (build?.buildArgs ?? []).filter(({ name }) => !(name in own));
  const buildArgs = [...users, ...Object.entries(own).map(([name, value]) => ({ name, value }))];
  const volumes = (build?.secrets ?? []).map(({ name = "" }) =>
    secretVolume(`secret-${name}`, name, `/run/secrets/${name}`),
  );
  const destination = sign === undefined ? image.image : unsignedImage(context, image.image, key);
  const spec = dockerBuild(dockerfile, { buildArgs, volumes, destination, push, secret: imageRepoSecret });
  return {
    spec: { ...spec, ...(build?.selector === undefined ? {} : { nodeSelector: build.selector }) },
    hashed: dockerfile,
  };
}

async function readDockerfile(context: Context, namespace: string, name: string): Promise<string> {
  const map = await context.kube.find(CONFIG_MAPS, { namespace, name });
  if (map === undefined) {
    throw new Error(`failed to get dockerfile ConfigMap ${namespace}/${name}: configmaps "${name}" not found`);
  }
  const dockerfile = map.data?.[DOCKERFILE_KEY];
  if (dockerfile === undefined)
    throw new Error(`invalid Dockerfile ConfigMap ${name} format, ${DOCKERFILE_KEY} key is missing`);
  return dockerfile;
}

/** A Secret that a Build's RUN instructions see as files. */
export function secretVolume(name: string, secretName: string, destinationPath: string): BuildVolume {
  return {
    name,
    source: { type: "Secret", secret: { secretName, optional: false } },
    mounts: [{ destinationPath }],
  };
}

interface DockerBuildOptions {
  buildArgs?: { name: string; value: string }[];
  volumes: BuildVolume[];
  destination: string;
  push: boolean;
  secret: { name?: string } | undefined;
}

/** The Build spec that KMM makes for both actions. */
export function dockerBuild(dockerfile: string, options: DockerBuildOptions): CommonSpec {
  const { buildArgs, volumes, destination, push, secret } = options;
  return {
    serviceAccount: "builder",
    mountTrustedCA: true,
    source: { type: "Dockerfile", dockerfile },
    strategy: {
      type: "Docker",
      dockerStrategy: {
        ...(secret === undefined ? {} : { pullSecret: secret }),
        volumes,
        ...(buildArgs === undefined ? {} : { buildArgs }),
      },
    },
    output: push ? outputTo(destination, secret) : {},
  };
}

function outputTo(name: string, secret: { name?: string } | undefined): NonNullable<CommonSpec["output"]> {
  return { to: { kind: "DockerImage", name }, ...(secret === undefined ? {} : { pushSecret: secret }) };
}
