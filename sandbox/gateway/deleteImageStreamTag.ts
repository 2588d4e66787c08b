import { isConflict, type Kube, KubeError } from "../kube.ts";
import { imageStreams } from "../openshift/resources.ts";
import { answerJson, authorize, type Exchange } from "./answer.ts";

/**
 * `DELETE …/imagestreamtags/STREAM:TAG`: removes the tag, with its history, from the ImageStream. Nothing can pull it from the
 * internal registry any more; by digest the image stays there, until it would be pruned.
 */
export async function deleteImageStreamTag(kube: Kube, _stateDir: string, exchange: Exchange): Promise<void> {
  const { request, response, namespace, name } = exchange;
  const group = "image.openshift.io";
  const access = { verb: "delete", group, resource: "imagestreamtags", subresource: "", namespace, name };
  await authorize(kube, request, access);
  await takeOff(kube, namespace, name);
  answerJson(response, 200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
}

async function takeOff(kube: Kube, namespace: string, name: string): Promise<void> {
  const [streamName = "", tag = ""] = name.split(":");
  const stream = await kube.find(imageStreams, { namespace, name: streamName });
  const tags = stream?.status?.tags ?? [];
  const others = tags.filter((each) => each.tag !== tag);
  if (stream === undefined || others.length === tags.length) throw notFound(name);
  try {
    await kube.replace(imageStreams, { ...stream, status: { ...stream.status, tags: others } }, "status");
  } catch (error) {
    if (!isConflict(error)) throw error;
    await takeOff(kube, namespace, name);
  }
}

function notFound(name: string): KubeError {
  const message = `imagestreamtags.image.openshift.io "${name}" not found`;
  return new KubeError(404, { message, reason: "NotFound", code: 404 }, message);
}
