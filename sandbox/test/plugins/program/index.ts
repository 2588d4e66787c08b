/** Every resource type that the plugins' stand-ins have, as one small program. Its config is `v` and `hold`. */
import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

const config = new pulumi.Config();
const version = config.get("v") ?? "1";

const look = await command.local.run({ command: "echo looked", logging: "none" });

const provider = new kubernetes.Provider("cluster", {
  kubeconfig: "kubeconfig",
  context: "sandbox",
  clusterIdentifier: "test",
  upsertExistingObjects: true,
});
const namespace = new kubernetes.core.v1.Namespace("ns", { metadata: { name: "stand-ins" } }, { provider }).metadata
  .name;

new kubernetes.core.v1.NodePatch(
  "n1",
  {
    metadata: {
      name: "n1",
      labels: { "onload-kmm.io/stack": "dev" },
      annotations: { "pulumi.com/patchFieldManager": "onload-kmm-dev-select", "pulumi.com/patchForce": "true" },
    },
  },
  { provider },
);
const account = new kubernetes.core.v1.ServiceAccount("sa", { metadata: { name: "sa", namespace } }, { provider });
new kubernetes.rbac.v1.RoleBinding(
  "scc",
  {
    metadata: { name: "scc", namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
  },
  { provider },
);
new kubernetes.core.v1.ConfigMap("cm", { metadata: { name: "cm", namespace }, data: { version } }, { provider });
for (const [name, apiVersion, kind] of [
  ["module", "kmm.sigs.x-k8s.io/v1beta1", "Module"],
  ["stream", "image.openshift.io/v1", "ImageStream"],
  ["build", "build.openshift.io/v1", "BuildConfig"],
] as const) {
  const metadata = { name, namespace, annotations: { "pulumi.com/deletionPropagationPolicy": "background" } };
  new kubernetes.apiextensions.CustomResource(name, { apiVersion, kind, metadata, spec: { version } }, { provider });
}

const password = new random.RandomPassword("pw", { length: 16, special: false });
const key = new tls.PrivateKey("key", { algorithm: "RSA", rsaBits: 2048 });
const certificate = new tls.SelfSignedCert("cert", {
  privateKeyPem: key.privateKeyPem,
  allowedUses: ["digital_signature", "code_signing"],
  earlyRenewalHours: 0,
  setAuthorityKeyId: true,
  setSubjectKeyId: true,
  subject: { commonName: "OnloadModule" },
  validityPeriodHours: 876000,
});
const secret = new kubernetes.core.v1.Secret(
  "keysecret",
  { metadata: { name: "signing-key", namespace }, stringData: { key: key.privateKeyPem } },
  { provider },
);
const copied = kubernetes.core.v1.Secret.get("copied", "default/source", { provider });

// Holds until the test removes a directory: long enough to be killed in the middle.
const held = config.get("hold");
new command.local.Command("local", {
  create: held === undefined ? "cat >/dev/null" : `while [ -d '${held}' ]; do sleep 0.1; done`,
  delete: "echo deleted >deleted",
  environment: { VERSION: version },
  stdin: pulumi.interpolate`${certificate.certPem}${password.bcryptHash}`,
  logging: "none",
  addPreviousOutputInEnv: false,
});

export const looked = look.stdout;
export const fingerprint = key.publicKeyFingerprintSha256;
export const secretName = secret.metadata.name;
export const copiedData = copied.data;
