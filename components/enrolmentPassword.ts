import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { hashSync } from "bcryptjs";
import type { EnrolmentMode } from "../core/configuration/choices.ts";
import { childOf } from "./options.ts";

export interface EnrolmentPasswordArgs {
  /** A given password; absent: one is generated, and kept in state. */
  readonly given?: pulumi.Output<string> | undefined;
}

/** The password of a stack whose nodes go through MokManager; without it there is nothing to type. */
export const enrolmentPassword = (mode: EnrolmentMode, args: EnrolmentPasswordArgs): EnrolmentPassword | undefined =>
  ["off", "redfish"].includes(mode) ? undefined : new EnrolmentPassword("mok-password", args, {});

/**
 * The password that MokManager asks for, and the hash that `mokutil` takes: bcrypt, which both accept (tried with the
 * real ones), and which stays the same from run to run.
 */
export class EnrolmentPassword extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:EnrolmentPassword";

  /** Secret: bcrypt hash, `$2a$10$…`, 60 characters. */
  readonly hash: pulumi.Output<string>;
  /** Secret: the password itself. */
  readonly password: pulumi.Output<string>;

  constructor(name: string, args: EnrolmentPasswordArgs, options: pulumi.ComponentResourceOptions) {
    super(EnrolmentPassword.type, name, {}, options);

    if (args.given === undefined) {
      // Letters and digits only: a firmware console may have another keyboard layout.
      const generated = new random.RandomPassword(name, { length: 16, special: false }, childOf(this));
      this.password = generated.result;
      this.hash = generated.bcryptHash;
    } else {
      const salt = new random.RandomPassword(`${name}-salt`, { length: saltLength, special: false }, childOf(this));
      this.password = args.given;
      this.hash = pulumi.secret(
        pulumi.all([args.given, salt.result]).apply(([password, text]) => hashSync(password, `$2a$10$${text}.`)),
      );
    }

    this.registerOutputs();
  }
}

/** bcrypt's salt has 22 characters; the last carries two bits only, and `.` is always valid. */
const saltLength = 21;
