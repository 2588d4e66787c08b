#!/bin/sh
# Asks MokManager to enrol a certificate at the next boot. See lib.sh for the conventions.
#
# stdin:
#   certificate=<base64 of DER>
#   password-hash=<crypt(5) hash of the password that MokManager will ask for: $2a$… or $6$…; never the password>
#   replace=yes      revoke a pending request and make it again: it may have another password (mokutil would keep that).
#                    Anything else leaves a pending request as it is.
#
# stdout: {"before": state, "after": state, "replaced": true|false}, states as in state.sh. A key that the kernel trusts
# already (enrolled, in-db, in-kernel) is left alone, and so is a machine without Secure Boot: it needs no key, and a request
# would stop its next boot in MokManager.
#
# Refused (3): the key is blocked; requests for other keys are pending (this one would change their password).
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=import

finish() {
  printf '{"before":"%s","after":"%s","replaced":%s}\n' "$before" "$1" "$replaced"
  exit 0
}

read_input certificate password-hash replace
case $input_password_hash in
  \$2[axy]\$* | \$[56]\$*) ;;
  *) fail 2 'password-hash is not a crypt(5) hash of bcrypt or SHA-2' ;;
esac
secret_dir
write_certificate

replaced=false
before=$(key_state)
secure_boot=$(secure_boot)
[ "$secure_boot" = enabled ] || finish "$before"
case $before in
  enrolled | in-db | in-kernel) finish "$before" ;;
  blocked) fail 3 'the key is blocked in dbx or MokListX' ;;
esac
others=$(other_requests --list-new)
[ "$others" -eq 0 ] || fail 3 "requests for $others other keys are pending; let them be enrolled or revoke them first"

if [ "$before" = pending ]; then
  [ "$input_replace" = yes ] || finish pending
  as_root mokutil --revoke-import >/dev/null || fail 1 'mokutil --revoke-import failed'
  replaced=true
fi

# Without a newline: mokutil takes a bcrypt hash only when the file has exactly its 60 bytes.
printf %s "$input_password_hash" >"$dir/hash"
answer=$(as_root mokutil --import "$dir/key.der" --hash-file "$dir/hash" 2>&1) || fail 1 "mokutil --import: $answer"
after=$(key_state)
[ "$after" = pending ] || fail 1 "after mokutil --import the key is $after instead of pending: $answer"
finish pending
