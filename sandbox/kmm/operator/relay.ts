import { connect, createServer, type NetConnectOpts, type Server } from "node:net";

/** A loopback port, or a Unix socket's path. */
export type Endpoint = { readonly host: "127.0.0.1"; readonly port: number } | { readonly path: string };

/** Passes every connection to `from` on to `to`, byte by byte, for as long as the process lives. */
export async function relay(from: Endpoint, to: Endpoint): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const options: NetConnectOpts = { ...to, allowHalfOpen: true };
    const far = connect(options);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(from, resolve);
  });
  return server;
}
