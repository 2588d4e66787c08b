import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { cancelBuilds } from "../core/contracts/cancelBuilds.ts";
import { uploadSrpm } from "../core/contracts/uploadSrpm.ts";
import { contentHash } from "../core/hash.ts";
import { sourceReference } from "../core/build/imageTag.ts";
import { names, ownFields, ownLabels } from "../core/names.ts";
import type { Settings } from "../core/configuration/settings.ts";
import { guard } from "./guard.ts";
import { childOf, ownChildOf, type OwnerArgs } from "./options.ts";
import { step } from "./step.ts";

export interface SrpmImageArgs extends OwnerArgs {
  readonly namespace: pulumi.Input<string>;
  /** The release package: its path on the bastion, its SHA-256, and its version. */
  readonly release: Settings["release"];
  /** A registry outside the cluster, and the Secret in the namespace with its credentials. */
  readonly registry?: { readonly repository: string; readonly secret: pulumi.Input<string> } | undefined;
  /** SHA-256 of the source RPM in it, hexadecimal. */
  readonly srpmSha256: string;
  /** The source image's Dockerfile: path and text. */
  readonly dockerfile: ContextFile;
  /** The build scripts that travel in the image. */
  readonly scripts: readonly ContextFile[];
  /** Directory on the bastion for build logs. */
  readonly logDirectory: string;
}

interface ContextFile {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
}

/** The image that carries OpenOnload's source RPM and the build scripts to KMM's builds. */
export class SrpmImage extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:SrpmImage";

  /** The image's tag, `<release>-<hash>`: it changes with the source RPM and the build scripts. */
  readonly tag: string;
  /** The image by digest. */
  readonly image: pulumi.Output<string>;

  constructor(name: string, args: SrpmImageArgs, options: pulumi.ComponentResourceOptions) {
    super(SrpmImage.type, name, {}, options);
    this.tag = `${args.release.version}-${contentHash({ srpm: args.srpmSha256, files: fileTexts(args) })}`;
    const metadata = (own: string) => ({
      name: own,
      namespace: args.namespace,
      labels: ownLabels(args.stack),
      annotations: ownFields(args.stack),
    });

    // The internal registry finds an image by its ImageStream; any other one needs none.
    const stream = args.registry === undefined ? [this.#stream(name, args, metadata(names.srpmImageStream))] : [];

    const buildConfig = new k8s.apiextensions.CustomResource(
      `${name}-build`,
      {
        apiVersion: "build.openshift.io/v1",
        kind: "BuildConfig",
        metadata: metadata(names.srpmBuildConfig),
        spec: {
          source: { type: "Binary", binary: {} },
          strategy: { type: "Docker", dockerStrategy: {} },
          output: output(args, this.tag),
        },
      },
      // A build whose output stream doesn't exist waits for it, and fails after five minutes.
      ownChildOf(this, args.remade["source-build"], stream),
    );

    guard(name, args, [...stream, buildConfig], this);

    const upload = step(
      `${name}-upload`,
      { run: uploadSrpm, undo: cancelBuilds },
      {
        cluster: args.cluster,
        namespace: args.namespace,
        selector: `openshift.io/build-config.name=${names.srpmBuildConfig}`,
        release: args.release,
        tag: this.tag,
        ...place(args, stream[0]),
        dockerfile: args.dockerfile.path,
        files: args.scripts.map(({ path }) => path),
        logDirectory: args.logDirectory,
      },
      // The upload starts a build of this BuildConfig.
      childOf(this, [buildConfig]),
    );
    this.image = upload.answer.image;

    this.registerOutputs({ tag: this.tag, image: this.image });
  }

  #stream(name: string, args: SrpmImageArgs, metadata: object): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: "image.openshift.io/v1",
        kind: "ImageStream",
        metadata,
        spec: { lookupPolicy: { local: true } },
      },
      ownChildOf(this, args.remade["source-stream"]),
    );
  }
}

/** Where the BuildConfig's builds push to. */
const output = ({ registry }: SrpmImageArgs, tag: string) =>
  registry === undefined
    ? { to: { kind: "ImageStreamTag", name: `${names.srpmImageStream}:${tag}` } }
    : { to: { kind: "DockerImage", name: sourceReference(registry, tag) }, pushSecret: { name: registry.secret } };

/** The same for the upload. A new stream is empty, whatever was pushed to the one before. */
const place = ({ registry }: SrpmImageArgs, stream: k8s.apiextensions.CustomResource | undefined) => ({
  ...(stream !== undefined && { stream: stream.metadata.uid }),
  ...(registry !== undefined && { repository: registry.repository }),
});

const fileTexts = ({ dockerfile, scripts }: SrpmImageArgs): string[] =>
  [dockerfile, ...scripts].map(({ text }) => text);
