# shellcheck shell=sh
# What the on-node tools beside this file share. They run on a RHCOS node as `core` (passwordless sudo) or as root, over
# SSH: the text of this file followed by that of a tool is one script, so nothing is copied to the node. Run as a file,
# a tool reads this one by itself.
#
#   stdin      lines `name=value`, to the end of the file; an unknown name is an error. Secrets come this way only.
#   stdout     one JSON object on one line
#   stderr     one line that says what went wrong
#   exit code  0 done; 1 something failed; 2 wrong input; 3 refused, nothing was changed
#
# ONLOAD_KMM_ROOT is put before every absolute path (/proc, /sys, /dev/shm, …). It is empty on a real node; a test or
# the sandbox lets it name a directory that stands for the machine.
set -eu
umask 077
LC_ALL=C
export LC_ALL

# shellcheck disable=SC2034 # the tools look at it
onload_kmm_lib=loaded
root=${ONLOAD_KMM_ROOT:-}

# fail CODE MESSAGE
fail() {
  printf '%s: %s\n' "${tool:-node}" "$2" >&2
  exit "$1"
}

user_id=$(id -u)

as_root() {
  if [ "$user_id" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

input_certificate='' input_password_hash='' input_replace='' input_boot_id='' input_timeout='' input_delay=''

# read_input NAME...: sets input_NAME for each of the names that stdin has (a `-` in it is `_` in the variable).
# shellcheck disable=SC2034 # the tools read them
read_input() {
  while IFS= read -r line || [ -n "$line" ]; do
    case " $* " in
      *" ${line%%=*} "*) ;;
      *) fail 2 "unknown input; expected lines name=value with the names $*" ;;
    esac
    case $line in
      certificate=*) input_certificate=${line#*=} ;;
      password-hash=*) input_password_hash=${line#*=} ;;
      replace=*) input_replace=${line#*=} ;;
      boot-id=*) input_boot_id=${line#*=} ;;
      timeout=*) input_timeout=${line#*=} ;;
      delay=*) input_delay=${line#*=} ;;
      *) fail 2 "${line%%=*} has no value" ;;
    esac
  done
}

# A directory in memory for what mokutil can only read from files, removed however the script ends.
secret_dir() {
  # What a killed run may have left.
  find "$root/dev/shm" -maxdepth 1 -name 'onload-kmm.*' -mmin +10 -exec rm -rf {} + 2>/dev/null || :
  trap 'rm -rf "$dir"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  dir=$root/dev/shm/nothing
  dir=$(mktemp -d "$root/dev/shm/onload-kmm.XXXXXX")
}

# Writes the certificate (base64 of its DER form) to $dir/key.der.
write_certificate() {
  case $input_certificate in
    '') fail 2 'certificate is missing' ;;
    *[!A-Za-z0-9+/=]*) fail 2 'certificate is not base64' ;;
  esac
  printf %s "$input_certificate" | base64 -d >"$dir/key.der" 2>/dev/null || fail 2 'certificate is not base64'
}

# Prints the state of Secure Boot: enabled, disabled or unsupported (no EFI).
secure_boot() {
  answer=$(as_root mokutil --sb-state 2>&1) || :
  case $answer in
    *'SecureBoot enabled'*) echo enabled ;;
    *'SecureBoot disabled'*) echo disabled ;;
    *'EFI variables are not supported'* | *"doesn't support Secure Boot"*) echo unsupported ;;
    *) fail 1 "mokutil --sb-state gave an answer that is not known: $answer" ;;
  esac
}

# Prints the state of $dir/key.der: enrolled, pending, not-enrolled, in-db, in-kernel, blocked or unsupported (no EFI).
# Only mokutil's output counts: the exit code of --test-key was inverted after 0.7.2.
key_state() {
  answer=$(as_root mokutil --test-key "$dir/key.der" 2>&1) || :
  case $answer in
    *' is not enrolled'*) echo not-enrolled ;;
    *' is already enrolled'*) echo enrolled ;;
    *' is already in the enrollment request'*) echo pending ;;
    *' is already in db'*) echo in-db ;;
    *' is already in the built-in trusted keyring'*) echo in-kernel ;;
    *' is blocked in '*) echo blocked ;;
    *'EFI variables are not supported'*) echo unsupported ;;
    *) fail 1 "mokutil --test-key gave an answer that is not known: $answer" ;;
  esac
}

# requests LIST: the SHA-1 fingerprints of the keys that wait in `mokutil LIST` (--list-new or --list-delete), one a line. What
# isn't understood is not an empty list: somebody's request may be in it.
requests() {
  answer=$(as_root mokutil "$1" 2>&1) || case $answer in
    *'EFI variables are not supported'*) return ;;
    *) fail 1 "mokutil $1: $answer" ;;
  esac
  case $answer in '' | 'Mok'*' is empty') return ;; esac
  keys=$(printf '%s\n' "$answer" | sed -n 's/^SHA1 Fingerprint: *//p' | tr -d : | tr '[:upper:]' '[:lower:]')
  # Each entry begins with its number or kind in brackets.
  entries=$(printf '%s\n' "$answer" | grep -c '^\[') || :
  read_keys=$(printf '%s\n' "$keys" | grep -cx '[0-9a-f]\{40\}') || :
  if [ "$entries" -eq 0 ] || [ "$read_keys" -ne "$entries" ]; then
    fail 1 "mokutil $1 gave a list that is not known: $(printf '%s\n' "$answer" | head -n 3)"
  fi
  printf '%s\n' "$keys"
}

# other_requests LIST: how many keys but $dir/key.der wait there.
other_requests() {
  waiting=$(requests "$1") || exit
  printf '%s' "$waiting" | grep -cvx "$(own_fingerprint)" || :
}

# The SHA-1 fingerprint of $dir/key.der, in the same form.
own_fingerprint() {
  sha1sum <"$dir/key.der" | cut -d ' ' -f 1
}

# Does the key wait in `mokutil LIST`? For a deletion this is the only way to see that it is pending. Prints yes or no.
is_listed() {
  waiting=$(requests "$1") || exit
  if printf '%s\n' "$waiting" | grep -qx "$(own_fingerprint)"; then echo yes; else echo no; fi
}

# read_boot_order: sets boot_tool (whether efibootmgr answers: true or false), and of four hex digits each, or empty: boot_current,
# the firmware's entry that this boot came from, and boot_first, the one that it tries first (applications of the firmware's own,
# such as its setup, aside); and boot_path, the present entry's device path.
# shellcheck disable=SC2034 # the tools read them
read_boot_order() {
  boot_tool=true boot_current='' boot_first='' boot_path=''
  entries=$(as_root efibootmgr -v 2>/dev/null) || {
    boot_tool=false
    return
  }
  boot_current=$(printf '%s\n' "$entries" | sed -n 's/^BootCurrent: \([0-9A-Fa-f]\{4\}\)$/\1/p')
  for entry in $(printf '%s\n' "$entries" | sed -n 's/^BootOrder: //p' | tr , ' '); do
    case $(printf '%s\n' "$entries" | grep "^Boot$entry\*") in '' | *'Fv('* | *'FvVol('*) continue ;; esac
    boot_first=$entry
    break
  done
  [ -n "$boot_current" ] || return 0
  boot_path=$(printf '%s\n' "$entries" | awk -F '\t' -v entry="Boot$boot_current" 'index($1, entry) == 1 { print $2; exit }')
}

# string TEXT: a JSON string; null for an empty one. A look at a node prints dozens, nearly all of them plain: a process for each
# would be felt on a node that trades.
string() {
  case $1 in
    '') printf null ;;
    *[\\\"[:cntrl:]]*) printf '"%s"' "$(printf %s "$1" | tr -d '[:cntrl:]' | sed 's/\\/\\\\/g; s/"/\\"/g')" ;;
    *) printf '"%s"' "$1" ;;
  esac
}

# list COMMAND...: the members of a JSON array, from the lines that the command prints.
list() {
  "$@" | {
    separator=
    while IFS= read -r entry; do
      printf '%s' "$separator"
      string "$entry"
      separator=,
    done
  }
}

# read_line FILE: sets line to the first line of a file below $root; empty when it can't be read.
read_line() {
  line=
  { IFS= read -r line <"$root$1" || :; } 2>/dev/null
}

# The same, printed.
first_line() {
  read_line "$1"
  printf %s "$line"
}
