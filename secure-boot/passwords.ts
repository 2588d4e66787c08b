/** A password for MokManager and what the bastion makes of it. Only the hashes ever reach the machine's disk. */

/** What is typed. */
export const password = "Onload1Test";

/** Its hashes in the two forms that reach `mokutil --hash-file`. */
export const hashes = {
  /** `openssl passwd -6`. */
  sha512: "$6$onloadkmmtest$KtY8c7cIdFMkobEfkEa2Olok86TcPiFYmjo6RFcrzh68.BLnW6RKK0bYKsB.1QXZdsGqQkyDmdHyr45zpkS7M.",
  /** The form of `random.RandomPassword`'s `bcryptHash`. */
  bcrypt: "$2a$10$CMBz72hx9wJjnR9TuepW4.WXUUenRaqbbkTrRTnhHAaDlvvCD7yWy",
};
