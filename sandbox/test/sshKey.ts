import ssh2 from "ssh2";

/**
 * A new Ed25519 key in OpenSSH's formats. Of ssh2 1.17.0 one in 256 can't be read, not even by itself: it takes a public
 * key's leading zero bytes for padding (lib/keygen.js).
 */
export function ed25519Key(): { public: string; private: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
