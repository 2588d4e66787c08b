import { imageStreams } from "../openshift/resources.ts";
import type { Context } from "./context.ts";
import { kernelOf } from "./mapping.ts";
import type { ImageSpec } from "./resources.ts";

/** The OS version in `nodeInfo.osImage`, by which the Driver Toolkit's tags are named. */
const OS_VERSION = /\d+\.\d+\.\d+-\d/;
const STREAM = { namespace: "openshift", name: "driver-toolkit" };

/**
 * The Driver Toolkit image for a kernel: by a node that runs it, whose OS version is a tag in `spec.tags` of the
 * ImageStream (`latest` doesn't count). None is an error that only the log shows.
 */
export async function dtkImageFor(context: Context, { kernelVersion, dtkImage }: ImageSpec): Promise<string> {
  const versions = context.nodes
    .list()
    .filter(({ status }) => kernelOf(status?.nodeInfo?.kernelVersion ?? "") === kernelVersion)
    .map(({ status }) => OS_VERSION.exec(status?.nodeInfo?.osImage ?? "")?.[0]);
  const stream = await context.kube.find(imageStreams, STREAM);
  const tag = stream?.spec?.tags?.find(({ name }) => versions.includes(OS_VERSION.exec(name)?.[0] ?? ""));
  const image = tag?.from?.name ?? dtkImage;
  if (image === undefined) throw new Error(`could not get DTK image for kernel ${kernelVersion}`);
  return image;
}
