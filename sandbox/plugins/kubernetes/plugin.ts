/** `pulumi-resource-kubernetes`, the stand-in's process. */
import { servePlugin } from "../core/serve.ts";
import { kubernetesProvider } from "./provider.ts";

await servePlugin(kubernetesProvider());
