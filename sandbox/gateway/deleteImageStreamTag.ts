import { isObjectMissing, type Kube, KubeError } from "../kube.ts";
import { type ImageStream, imageStreams } from "../openshift/resources.ts";
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
  const [stream = "", tag = ""] = name.split(":");
  const without = (found: ImageStream): ImageStream => {
    const { tags = [] } = found.status ?? {};
    const others = tags.filter((each) => each.tag !== tag);
    if (others.length === tags.length) throw notFound(name);
    return { ...found, status: { ...found.status, tags: others } };
  };
  await kube.change(imageStreams, { namespace, name: stream }, without, "status").catch((error: unknown) => {
    throw isObjectMissing(error) ? notFound(name) : error;
  });
}

function notFound(name: string): KubeError {
  const message = `imagestreamtags.image.openshift.io "${name}" not found`;
  return new KubeError(404, { message, reason: "NotFound", code: 404 }, message);
}
