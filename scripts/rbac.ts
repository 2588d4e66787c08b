/** `npm run rbac [-- --help]`: an account for the bastion that may do what one stack needs, as manifests. Asks no cluster. */
import { rbacManifests } from "../core/cluster/rbacManifests.ts";
import { readSettings } from "./settings.ts";
import { cliOf, fail, optionsOf } from "./stack.ts";

const usage = `npm run -s rbac [-- OPTIONS]

Prints an account for the bastion and all that it may do for a stack, each rule with its reason, as manifests that an
administrator reads and applies: npm run -s rbac | kubectl apply -f -     (docs/access.md)

  --stack NAME         the stack; default: the selected one
  --config-file FILE   instead of Pulumi.STACK.yaml
  --help
`;

const choice = optionsOf(usage, {});
try {
  const pulumi = cliOf(choice);
  const [settings, stack] = await Promise.all([readSettings(pulumi), pulumi("stack", "--show-name")]);
  const { namespace, registry, build } = settings;
  const nextKernels = build.nextKernels.length > 0;
  const wanted = { stack: stack.trim(), namespace, registry, strategy: build.strategy, nextKernels };
  process.stdout.write(rbacManifests(wanted));
} catch (error) {
  fail(error);
}
