/** deploy/rbac.yaml: what `npm run rbac` prints for the settings that most stacks have. */
import { rbacManifests } from "../../core/cluster/rbacManifests.ts";

const head = `# An account for the bastion, and all that it may do: docs/access.md. This is what \`npm run rbac\` prints for a stack "prod" with
# the default namespace, build strategy and registry; run it for yours. An administrator applies it before the first \`up\`.
# \`npm run documents\` makes this file from core/cluster/rights.ts.
`;

export const rbacExample = (): string =>
  head + rbacManifests({ stack: "prod", namespace: "onload-kmm", strategy: "driver-toolkit", nextKernels: false });
