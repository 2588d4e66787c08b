/** The rights as manifests: an account for the bastion, and what it may do, each rule with its reason. */
import { Document, isMap, isSeq, visit, type Node } from "yaml";
import { labels } from "../names.ts";
import { rightsOf, type Right, type RightsFor } from "./rights.ts";

/** The account's namespace: `destroy` deletes the stack's own. */
export const accountNamespace = "onload-kmm-bastion";

export interface ManifestsFor extends RightsFor {
  readonly stack: string;
}

/** All manifests in one YAML text, for `kubectl apply -f`. */
export function rbacManifests(settings: ManifestsFor): string {
  const { namespace, stack } = settings;
  const rights = rightsOf(settings);
  const account = { kind: "ServiceAccount", name: namespace, namespace: accountNamespace };
  const places = [...new Set(rights.map((right) => right.namespace))];
  const documents = [
    new Document({ apiVersion: "v1", kind: "Namespace", metadata: { name: accountNamespace } }),
    new Document({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: account.name, namespace: account.namespace },
      automountServiceAccountToken: false,
    }),
    ownNamespace(namespace, stack),
    ...places.flatMap((place) => {
      const here = rights.filter((right) => right.namespace === place);
      const role = roleIn(place, `${accountNamespace}-${namespace}`, here);
      return [role, bindingOf(role, account)];
    }),
  ];
  return documents.map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false })).join("---\n");
}

function ownNamespace(name: string, stack: string): Document {
  const document = new Document({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { [labels.stack]: stack } },
  });
  if (isMap(document.contents)) document.contents.commentBefore = ownNamespaceRemark;
  return document;
}

const ownNamespaceRemark =
  " The stack's own: by the label `up` knows it. `destroy` deletes it, and the Role in it: before the next `up` apply this\n" +
  " file again.";

const rbac = "rbac.authorization.k8s.io";

const metadataIn = (namespace: string | undefined, name: string) => ({
  name,
  ...(namespace !== undefined && { namespace }),
});

function roleIn(namespace: string | undefined, name: string, rights: readonly Right[]): Document {
  const document = new Document({
    apiVersion: `${rbac}/v1`,
    kind: namespace === undefined ? "ClusterRole" : "Role",
    metadata: metadataIn(namespace, name),
    rules: rights.map(({ group, resource, verbs, names }) => ({
      apiGroups: [group],
      resources: [resource],
      ...(names !== undefined && { resourceNames: names }),
      verbs,
    })),
  });
  const rules = document.get("rules");
  if (!isSeq(rules)) throw new Error("a list of rules is none");
  rules.items.forEach((rule, index) => {
    const { why = "", isForWords = false } = rights[index] ?? {};
    (rule as Node).commentBefore = ` ${why}${isForWords ? " (for messages only)" : ""}`;
  });
  visit(rules, {
    Seq(_, list) {
      if (list !== rules) list.flow = true;
    },
  });
  return document;
}

function bindingOf(role: Document, account: object): Document {
  const { kind, metadata } = role.toJS() as { kind: string; metadata: { name: string } };
  return new Document({
    apiVersion: `${rbac}/v1`,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: rbac, kind, name: metadata.name },
    subjects: [account],
  });
}
