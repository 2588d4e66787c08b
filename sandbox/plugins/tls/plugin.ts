/** `pulumi-resource-tls`, the stand-in's process. */
import { servePlugin } from "../core/serve.ts";
import { tlsProvider } from "./provider.ts";

await servePlugin(tlsProvider);
