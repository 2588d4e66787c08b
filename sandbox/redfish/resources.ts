/** The Redfish resources that the stand-in has, as DMTF's schema bundle 2025.4 wants them. */
import { X509Certificate } from "node:crypto";

/** What a service knows of one machine. Whatever is asked of its `db` happens at the machine's next boot. */
export interface RedfishSystem {
  readonly uuid: string;
  readonly secureBoot: boolean;
  /** The certificates in `db`, in DER. */
  certificates(): readonly Buffer[] | Promise<readonly Buffer[]>;
  /** Has a certificate added. */
  add(der: Buffer): void | Promise<void>;
  /** Has a certificate taken out. */
  remove(der: Buffer): void | Promise<void>;
}

export const root = "/redfish/v1";
export const sessionsPath = `${root}/SessionService/Sessions`;
export const systemPath = (id: string): string => `${root}/Systems/${encodeURIComponent(id)}`;
const certificatesPath = (id: string): string => `${systemPath(id)}/SecureBoot/SecureBootDatabases/db/Certificates`;

const resource = (path: string, type: string, name: string) => ({
  "@odata.id": path,
  "@odata.type": `#${type}.${type.split(".")[0] ?? ""}`,
  Id: path.split("/").at(-1) ?? "",
  Name: name,
});

function collection(path: string, type: string, members: readonly string[]) {
  return {
    "@odata.id": path,
    "@odata.type": `#${type}.${type}`,
    Name: type.replace(/Collection$/, "s"),
    Members: members.map((member) => ({ "@odata.id": member })),
    "Members@odata.count": members.length,
  };
}

/** The only one that needs no login. */
export const serviceRoot = () => ({
  ...resource(root, "ServiceRoot.v1_17_0", "Root Service"),
  Id: "RootService",
  RedfishVersion: "1.20.0",
  Systems: { "@odata.id": `${root}/Systems` },
  Links: { Sessions: { "@odata.id": sessionsPath } },
});

/** Nobody ever has a session here. */
export const sessionCollection = () => collection(sessionsPath, "SessionCollection", []);

export const systemCollection = (ids: readonly string[]) =>
  collection(`${root}/Systems`, "ComputerSystemCollection", ids.map(systemPath));

export const computerSystem = (id: string, { uuid }: RedfishSystem) => ({
  ...resource(systemPath(id), "ComputerSystem.v1_22_0", id),
  SystemType: "Physical",
  UUID: uuid,
  SecureBoot: { "@odata.id": `${systemPath(id)}/SecureBoot` },
});

export const secureBoot = (id: string, system: RedfishSystem) => ({
  ...resource(`${systemPath(id)}/SecureBoot`, "SecureBoot.v1_1_0", "UEFI Secure Boot"),
  SecureBootEnable: system.secureBoot,
  SecureBootCurrentBoot: system.secureBoot ? "Enabled" : "Disabled",
  SecureBootMode: system.secureBoot ? "DeployedMode" : "UserMode",
  SecureBootDatabases: { "@odata.id": `${systemPath(id)}/SecureBoot/SecureBootDatabases` },
});

export function databaseCollection(id: string) {
  const path = `${systemPath(id)}/SecureBoot/SecureBootDatabases`;
  return collection(path, "SecureBootDatabaseCollection", [`${path}/db`]);
}

export const database = (id: string) => ({
  ...resource(
    `${systemPath(id)}/SecureBoot/SecureBootDatabases/db`,
    "SecureBootDatabase.v1_0_1",
    "Authorized Signature Database",
  ),
  DatabaseId: "db",
  Certificates: { "@odata.id": certificatesPath(id) },
});

export const certificateCollection = (id: string, ders: readonly Buffer[]) => ({
  ...collection(
    certificatesPath(id),
    "CertificateCollection",
    ders.map((_, index) => `${certificatesPath(id)}/${index + 1}`),
  ),
  "@Redfish.SupportedCertificates": ["PEM"],
});

export const certificate = (id: string, number: number, der: Buffer) => ({
  ...resource(`${certificatesPath(id)}/${number}`, "Certificate.v1_7_0", "db Certificate"),
  CertificateString: new X509Certificate(der).toString(),
  CertificateType: "PEM",
});
