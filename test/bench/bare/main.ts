/**
 * The program that `npm run bench` measures ours beside: as many resources of the same kinds, through the same engine and the
 * same plugins, which do nothing. Its custom resources are ImageStreams without images, its NodePatches set a label
 * of its own on the same Nodes, its commands are `true`. It looks at nothing, and no resource waits for another one, unless
 * it needs its output. So what ours takes beyond it is the price of looking at the cluster and the nodes, of order, and of
 * inputs with content.
 */
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { Kind } from "../kinds.ts";
import { bareVariable, type BareInput } from "./input.ts";

const { counts, kubeconfig, nodes } = JSON.parse(process.env[bareVariable] ?? "") as BareInput;
const name = "onload-kmm-bare";

const provider = new k8s.Provider("cluster", { kubeconfig, context: "sandbox", upsertExistingObjects: true });
const onCluster = { provider };

/** As many of a kind as ours has. */
const each = <T>(kind: Kind, make: (at: number) => T): T[] =>
  Array.from({ length: counts[kind] ?? 0 }, (_, at) => make(at));

const components = each("component", (at) => new pulumi.ComponentResource("onload-kmm-bare:index:Part", `part-${at}`));
/** In turn, so that each component has children. */
const parentOf = (at: number) => {
  const parent = components[at % components.length];
  return parent === undefined ? {} : { parent };
};

const [namespace] = each("namespace", () => new k8s.core.v1.Namespace(name, { metadata: { name } }, onCluster));
const inNamespace = (own: string) => ({
  name: own,
  ...(namespace !== undefined && { namespace: namespace.metadata.name }),
});
const [key] = each("privateKey", () => new tls.PrivateKey(name, { algorithm: "RSA", rsaBits: 4096 }));
if (key !== undefined) each("certificate", () => certificate(key));
each("secret", (at) => {
  const metadata = inNamespace(`secret-${at}`);
  return new k8s.core.v1.Secret(`secret-${at}`, { metadata, stringData: { at: String(at) } }, onCluster);
});
each("configMap", (at) => {
  const metadata = inNamespace(`text-${at}`);
  return new k8s.core.v1.ConfigMap(`text-${at}`, { metadata, data: { at: String(at) } }, onCluster);
});
each("serviceAccount", (at) => {
  const metadata = inNamespace(`account-${at}`);
  return new k8s.core.v1.ServiceAccount(`account-${at}`, { metadata }, onCluster);
});
each("roleBinding", (at) => {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
  const metadata = inNamespace(`binding-${at}`);
  return new k8s.rbac.v1.RoleBinding(`binding-${at}`, { metadata, roleRef }, onCluster);
});
each("customResource", (at) => {
  const [metadata, spec] = [inNamespace(`stream-${at}`), { lookupPolicy: { local: true } }];
  const type = { apiVersion: "image.openshift.io/v1", kind: "ImageStream" };
  return new k8s.apiextensions.CustomResource(`stream-${at}`, { ...type, metadata, spec }, onCluster);
});
each("nodePatch", (at) => {
  const annotations = { "pulumi.com/patchFieldManager": name, "pulumi.com/patchForce": "true" };
  const metadata = { name: nodes[at] ?? "", labels: { "bench.onload-kmm.io/bare": "" }, annotations };
  return new k8s.core.v1.NodePatch(`patch-${at}`, { metadata }, { ...onCluster, ...parentOf(at) });
});
each("command", (at) => new command.local.Command(`command-${at}`, { create: "true" }, parentOf(at)));
each("undoneCommand", (at) => {
  const args = { create: "true", delete: "true" };
  return new command.local.Command(`undone-${at}`, args, parentOf(at));
});

function certificate(of: tls.PrivateKey): tls.SelfSignedCert {
  return new tls.SelfSignedCert(name, {
    privateKeyPem: of.privateKeyPem,
    subject: { commonName: name },
    validityPeriodHours: 24,
    allowedUses: ["digital_signature"],
  });
}
