/** `pulumi-resource-command`, the stand-in's process. */
import { servePlugin } from "../core/serve.ts";
import { commandProvider } from "./provider.ts";

await servePlugin(commandProvider);
