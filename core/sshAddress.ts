/** Host and port of a node's configured address: `host`, `host:2222`, `[::1]`, `[::1]:2222`. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = address, port = "22"] = /^(.+?)(?::(\d+))?$/.exec(address) ?? [];
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
