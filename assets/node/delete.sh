#!/bin/sh
# Asks MokManager to remove a certificate from the MOK list at the next boot. See lib.sh for the conventions.
#
# stdin:
#   certificate=<base64 of DER>
#   password-hash=<crypt(5) hash of the password that MokManager will ask for; never the password>
#
# stdout: {"before": state, "after": state, "deletionPending": true|false}, states as in state.sh. A key that isn't
# enrolled needs nothing; one whose enrolment is only pending is removed from the request, without password or reboot.
#
# Refused (3): requests to delete other keys are pending (this one would change their password).
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=delete

finish() {
  printf '{"before":"%s","after":"%s","deletionPending":%s}\n' "$before" "$1" "$2"
  exit 0
}

read_input certificate password-hash
case $input_password_hash in
  \$2[axy]\$* | \$[56]\$*) ;;
  *) fail 2 'password-hash is not a crypt(5) hash of bcrypt or SHA-2' ;;
esac
secret_dir
write_certificate
before=$(key_state)
case $before in
  enrolled | pending) ;;
  *) finish "$before" false ;;
esac
others=$(other_requests --list-delete)
[ "$others" -eq 0 ] || fail 3 "requests to delete $others other keys are pending; let them be done or revoke them first"

# A pending deletion may have another password, which mokutil would keep.
as_root mokutil --revoke-delete >/dev/null || fail 1 'mokutil --revoke-delete failed'
printf %s "$input_password_hash" >"$dir/hash"
answer=$(as_root mokutil --delete "$dir/key.der" --hash-file "$dir/hash" 2>&1) || fail 1 "mokutil --delete: $answer"
after=$(key_state)
if [ "$after" = enrolled ]; then
  listed=$(is_listed --list-delete)
  [ "$listed" = yes ] || fail 1 "after mokutil --delete no deletion is pending: $answer"
  finish enrolled true
fi
[ "$after" = not-enrolled ] || fail 1 "after mokutil --delete the key is $after: $answer"
finish not-enrolled false
