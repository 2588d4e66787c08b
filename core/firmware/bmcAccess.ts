/** How a node's BMC is reached. */
export interface BmcAccess {
  /** The node's ComputerSystem in the BMC's Redfish service. */
  readonly url: string;
  /** SHA-256 over the BMC's TLS certificate in hexadecimal: a server with another one is sent nothing. */
  readonly fingerprint: string;
  readonly user: string;
  readonly password: string;
}
