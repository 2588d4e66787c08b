/** Stands in for `pulumi-resource-random` 4.21.2: passwords. Left out: every other random thing. */
import type { Provider, ResourceType } from "../core/provider.ts";
import { randomPassword } from "./randomPassword.ts";

const RESOURCES: Partial<Record<string, ResourceType>> = {
  "random:index/randomPassword:RandomPassword": randomPassword,
};

/** The provider. */
export const randomProvider: Provider = {
  name: "random",
  version: "4.21.2",
  functions: {},
  resource: (type) => RESOURCES[type],
};
