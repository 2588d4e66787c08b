import { createHash } from "node:crypto";
import { SIGN_IMAGE } from "../openshift/images.ts";
import { dockerBuild, type Entry, secretVolume, type Template, unsignedImage } from "./buildTemplate.ts";
import type { Context } from "./context.ts";
import { SECRETS } from "./resources.ts";

/**
 * The Build that signs the listed files of an image with `sign-file`. The hash covers all of it and the bytes of key and
 * certificate. With no files listed it signs nothing, and succeeds.
 */
export async function signTemplate(
  context: Context,
  key: { namespace: string; name: string },
  { image, imageRepoSecret, push }: Entry,
): Promise<Template> {
  const sign = image.sign ?? {};
  const keyName = sign.keySecret?.name ?? "";
  const certName = sign.certSecret?.name ?? "";
  const secrets = [
    await secretData(context, { namespace: key.namespace, name: keyName, data: "key", what: "private key" }),
    await secretData(context, { namespace: key.namespace, name: certName, data: "cert", what: "public key" }),
  ];
  const unsigned = image.build === undefined ? (sign.unsignedImage ?? "") : unsignedImage(context, image.image, key);
  const volumes = [
    secretVolume("key", keyName, "/run/secrets/key"),
    secretVolume("cert", certName, "/run/secrets/cert"),
  ];
  const { filesToSign = [] } = sign;
  const dockerfile = context.line.signsInDirectory
    ? directoryDockerfile(unsigned, image.dirName ?? "/opt", filesToSign)
    : filesDockerfile(unsigned, filesToSign);
  const spec = dockerBuild(dockerfile, { volumes, destination: image.image, push, secret: imageRepoSecret });
  return { spec, hashed: { spec, secrets } };
}

/** A digest of the Secret's data; a missing one is an error that only the log shows. */
async function secretData(
  context: Context,
  wanted: { namespace: string; name: string; data: string; what: string },
): Promise<string> {
  const secret = await context.kube.find(SECRETS, { namespace: wanted.namespace, name: wanted.name });
  if (secret === undefined) {
    throw new Error(
      `failed to get ${wanted.what} secret ${wanted.name} for signing: secrets "${wanted.name}" not found`,
    );
  }
  const value = secret.data?.[wanted.data];
  if (value === undefined) throw new Error(`invalid secret format: ${wanted.name} has no data key ${wanted.data}`);
  return createHash("sha256").update(value).digest("hex");
}

const SIGN = "/usr/local/bin/sign-file sha256 /run/secrets/key/key /run/secrets/cert/cert";

/**
 * The directory is copied to and fro, and the files are the shell's patterns in it. A RUN ends as its last match did:
 * a pattern that matches nothing fails, and a failure before the last one shows nowhere.
 */
function directoryDockerfile(unsigned: string, directory: string, filesToSign: string[]): string {
  const sign = filesToSign.map(
    (file) => `RUN for file in /opt${file}; do [ -e "\${file}" ] && ${SIGN} "\${file}"; done`,
  );
  return [
    `FROM ${unsigned} as source`,
    `FROM ${SIGN_IMAGE} AS signimage`,
    "USER 0",
    `COPY --from=source ${directory} /opt${directory}`,
    ...sign,
    "FROM source",
    `COPY --from=signimage /opt${directory} ${directory}`,
    "",
  ].join("\n");
}

/** Each file is copied to and fro. */
function filesDockerfile(unsigned: string, filesToSign: string[]): string {
  const sign = filesToSign.flatMap((file) => [
    `COPY --from=source ${file} /signroot${file}`,
    `RUN ${SIGN} /signroot${file}`,
  ]);
  const back = filesToSign.map((file) => `COPY --from=signimage /signroot${file} ${file}`);
  return [
    `FROM ${unsigned} as source`,
    `FROM ${SIGN_IMAGE} AS signimage`,
    "USER 0",
    'RUN ["mkdir", "/signroot"]',
    ...sign,
    "FROM source",
    ...back,
    "",
  ].join("\n");
}
