/**
 * A node's UEFI signature database (`db`), through its BMC's Redfish service.
 *
 * DMTF, Redfish schema bundle 2025.4: ComputerSystem v1_27_0 links to SecureBoot, SecureBoot v1_1_2 to the collection of
 * SecureBootDatabase v1_0_3, whose member `db` links to a collection of Certificate v1_11_0. A certificate is added by POST
 * of `CertificateString` and `CertificateType` to that collection, and taken away by DELETE of its own resource. BMCs hand
 * either to the firmware, which does it at the next boot: until then the list may stay as it was. `ResetKeys` is never
 * called: it throws away what others have put there.
 */
import { createHash, X509Certificate } from "node:crypto";
import { z } from "zod";
import type { BmcAccess } from "../../../core/firmware/bmcAccess.ts";
import type { Finding } from "../../../core/node/obstacles.ts";
import { bmcRetrySeconds, bmcSeconds } from "../../../core/patience.ts";
import { waitUntil, type Look } from "../../lib/wait.ts";
import { Busy, RedfishService } from "./service.ts";

const link = z.object({ "@odata.id": z.string() });
const system = z.object({ UUID: z.string().nullish(), SecureBoot: link.nullish(), Bios: link.nullish() });
const secureBoot = z.object({ SecureBootMode: z.string().nullish(), SecureBootDatabases: link.nullish() });
const database = z.object({ Certificates: link });
const bios = z.object({ Attributes: z.object({ SecureBootPolicy: z.unknown().optional() }) });
const collection = z.object({ Members: z.array(link), "Members@odata.nextLink": z.string().optional() });
const entry = z.object({
  CertificateString: z.string().nullish(),
  Fingerprint: z.string().nullish(),
  FingerprintHashAlgorithm: z.string().nullish(),
});

const isSystem: Finding = {
  error: "OKMM-BMC-URL",
  text: "expected a ComputerSystem, as in https://bmc-1/redfish/v1/Systems/1; correct the node's bmc.url",
};
const unfit: Finding = {
  error: "OKMM-BMC-UNFIT",
  text: "update the BMC, or choose another enrolment.mode (docs/redfish.md lists which BMCs can)",
};

/** Most entries of a list that are asked for one by one: firmware has room for dozens of certificates. */
const mostMembers = 1000;

/** Whose BMC is asked, for which certificate. */
export interface Errand {
  readonly node: string;
  readonly access: BmcAccess;
  /** The certificate in PEM that shall be in `db`, or shall not. */
  readonly certificate: string;
  /** The node's own: the BMC of another machine is left alone. Absent: the node is gone. */
  readonly systemUuid: string | undefined;
  /** Seconds for which a BMC that doesn't answer is waited for. */
  readonly patience?: number;
}

/**
 * The signature database of one node, for one certificate. Every act can be repeated, and throws StepError when the BMC
 * refuses or doesn't answer, when it is another machine's, or when it could change nothing. End it with `close()`.
 */
export class SignatureDatabase {
  readonly #errand: Errand;
  readonly #service: RedfishService;
  readonly #certificate: X509Certificate;

  constructor(errand: Errand) {
    this.#errand = errand;
    this.#service = new RedfishService(errand.node, errand.access);
    this.#certificate = new X509Certificate(errand.certificate);
  }

  /** Whether the BMC lists the certificate; read-only. */
  lists(): Promise<boolean> {
    return this.#patiently(async () => (await this.#own(await this.#certificates())).length > 0);
  }

  /** Has the firmware add the certificate at the next boot, unless it is listed already. */
  add(): Promise<"asked" | "listed"> {
    const content = { CertificateString: this.#certificate.toString(), CertificateType: "PEM" };
    return this.#patiently(async () => {
      const certificates = await this.#certificates();
      if ((await this.#own(certificates)).length > 0) return "listed";
      await this.#service.post(certificates, content);
      return "asked";
    });
  }

  /** Has the firmware take the certificate, and no other, out at the next boot. False: it isn't listed. */
  remove(): Promise<boolean> {
    return this.#patiently(async () => {
      const own = await this.#own(await this.#certificates());
      for (const path of own) await this.#service.delete(path);
      return own.length > 0;
    });
  }

  close(): void {
    this.#service.close();
  }

  /** Looks again each time: whether a request that brought no answer was taken shows in the list, if anywhere. */
  #patiently<T>(act: () => Promise<T>): Promise<T> {
    const { node, patience = bmcSeconds } = this.#errand;
    const waiting = {
      timeoutSeconds: patience,
      everySeconds: bmcRetrySeconds,
      error: "OKMM-BMC-AWAY" as const,
      remedy: "check the BMC, then run `pulumi up` again",
    };
    return waitUntil(`the BMC of ${node}`, waiting, async (): Promise<Look<T>> => {
      try {
        return { done: await act() };
      } catch (error) {
        if (error instanceof Busy) return { missing: error.message };
        throw error;
      }
    });
  }

  /** Path of the collection of db's certificates, after a look at everything that must hold. */
  async #certificates(): Promise<string> {
    const { UUID, SecureBoot, Bios } = await this.#service.get(this.#service.system, system, isSystem);
    this.#requireSameMachine(UUID);
    if (SecureBoot == null) throw this.#service.problem(unfit.error, `it offers no Secure Boot; ${unfit.text}`);
    const { SecureBootMode: mode, SecureBootDatabases: databases } = await this.#get(SecureBoot, secureBoot);
    if (mode === "SetupMode" || mode === "AuditMode") {
      throw this.#service.problem(
        "OKMM-BMC-SETUPMODE",
        `Secure Boot is in ${mode}, where firmware verifies nothing; finish its setup first`,
      );
    }
    if (Bios != null) await this.#requireCustomPolicy(Bios["@odata.id"]);
    const members = databases == null ? [] : await this.#members(databases["@odata.id"]);
    const db = members.find((member) => /\/db\/?$/.test(member));
    if (db === undefined)
      throw this.#service.problem(unfit.error, `it offers no Secure Boot database "db"; ${unfit.text}`);
    const { Certificates } = await this.#get({ "@odata.id": db }, database);
    return Certificates["@odata.id"];
  }

  #requireSameMachine(uuid: string | null | undefined): void {
    const [own, found] = [this.#errand.systemUuid?.toLowerCase(), uuid?.toLowerCase()];
    if (!own || !found || found === own || swapped(found) === own) return;
    throw this.#service.problem(
      "OKMM-BMC-MACHINE",
      `it is the BMC of another machine: system UUID ${found}, and the node's is ${own}; nothing was changed. ` +
        "Correct the node's bmc",
    );
  }

  /** Dell's iDRAC knows the policy by this BIOS attribute; Standard keeps the databases as they came. */
  async #requireCustomPolicy(path: string): Promise<void> {
    const found = await this.#service.find(path, bios);
    if (found?.Attributes.SecureBootPolicy !== "Standard") return;
    throw this.#service.problem(
      "OKMM-BMC-POLICY",
      "the BIOS attribute SecureBootPolicy is Standard, expected Custom: db can't be changed otherwise; nothing was changed. Set it, " +
        "reboot the node, and run again",
    );
  }

  /** Paths of the resources in the collection that are our certificate. */
  async #own(certificates: string): Promise<string[]> {
    const own: string[] = [];
    for (const path of await this.#members(certificates)) {
      const found = await this.#service.find(path, entry);
      if (found !== undefined && isOf(this.#certificate, found)) own.push(path);
    }
    return own;
  }

  async #members(collectionPath: string): Promise<string[]> {
    const members: string[] = [];
    const read = new Set<string>();
    for (let path: string | undefined = collectionPath; path !== undefined;) {
      if (read.has(path) || members.length > mostMembers)
        throw this.#service.problem(unfit.error, `its list ${collectionPath} doesn't end; ${unfit.text}`);
      read.add(path);
      const page: z.infer<typeof collection> = await this.#service.get(path, collection, unfit);
      members.push(...page.Members.map((member) => member["@odata.id"]));
      path = page["Members@odata.nextLink"];
    }
    return members;
  }

  #get<T>(to: z.infer<typeof link>, schema: z.ZodType<T>): Promise<T> {
    return this.#service.get(to["@odata.id"], schema, unfit);
  }
}

/** Whether a listed certificate is this one, byte for byte; one that shows neither itself nor a fingerprint is another's. */
function isOf(certificate: X509Certificate, listed: z.infer<typeof entry>): boolean {
  if (listed.CertificateString) return certificate.fingerprint256 === fingerprintOf(listed.CertificateString);
  // The names are the Trusted Computing Group's: TPM_ALG_SHA256.
  const algorithm = /SHA_?(256|384|512)$/.exec(listed.FingerprintHashAlgorithm ?? "")?.[1];
  if (algorithm === undefined) return false;
  const digest = createHash(`sha${algorithm}`).update(certificate.raw).digest("hex");
  return listed.Fingerprint?.replaceAll(":", "").toLowerCase() === digest;
}

function fingerprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}

/** A UUID with its first three fields in the other byte order: as before SMBIOS 2.6, and on some BMCs still. */
function swapped(uuid: string): string {
  const [a = "", b = "", c = "", ...rest] = uuid.split("-");
  const bytes = (field: string) => (field.match(/../g) ?? []).reverse().join("");
  return [bytes(a), bytes(b), bytes(c), ...rest].join("-");
}
