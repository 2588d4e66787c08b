#!/bin/sh
# Revokes pending requests for a certificate. See lib.sh for the conventions. There may be none.
#
# stdin:
#   certificate=<base64 of DER>
#
# stdout: {"before": state, "after": state, "deletionRevoked": true|false}, states as in state.sh; the last says whether
# a request to delete the key was pending and is gone.
#
# Refused (3): requests for other keys are pending too; mokutil can only revoke all of them.
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=revoke

# only_ours LIST: refuses when `mokutil LIST` shows other keys than ours.
only_ours() {
  others=$(other_requests "$1")
  [ "$others" -eq 0 ] || fail 3 "requests for $others other keys are pending; revoking would take them back too"
}

read_input certificate
secret_dir
write_certificate
before=$(key_state)
deletion_revoked=false
if [ "$before" = pending ]; then
  only_ours --list-new
  as_root mokutil --revoke-import >/dev/null || fail 1 'mokutil --revoke-import failed'
fi
listed=$(is_listed --list-delete)
if [ "$listed" = yes ]; then
  only_ours --list-delete
  as_root mokutil --revoke-delete >/dev/null || fail 1 'mokutil --revoke-delete failed'
  deletion_revoked=true
fi
after=$(key_state)
[ "$after" != pending ] || fail 1 'the request is still pending'
printf '{"before":"%s","after":"%s","deletionRevoked":%s}\n' "$before" "$after" "$deletion_revoked"
