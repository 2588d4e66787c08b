#!/bin/sh
# Who holds the modules, so that they can't be unloaded: read-only. See lib.sh for the conventions.
#
# stdin: nothing
#
# stdout: {"users": [...]}: processes that have a device of OpenOnload's open, as "nginx (4242)", each once. What runs in a pod
# is a process of the node's, too. Others, such as a network filter's module, hold a module without any process: as "module …".
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=users

# The descriptors of all processes are root's alone.
processes() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root sh -c 'find "$1"/proc/[0-9]*/fd \( -lname "/dev/onload*" -o -lname "/dev/sfc_*" \) 2>/dev/null' sh "$root" |
    sed "s|^$root/proc/||; s|/fd/.*||" | sort -nu | while IFS= read -r pid; do
    printf '%s (%s)\n' "$(first_line "/proc/$pid/comm")" "$pid"
  done
}

holders() {
  for holder in "$root"/sys/module/onload/holders/* "$root"/sys/module/sfc/holders/*; do
    name=${holder##*/}
    case $name in '*' | onload | sfc_char | sfc_resource) continue ;; esac
    printf 'module %s\n' "$name"
  done | sort -u
}

# shellcheck disable=SC2119 # it takes no line at all
read_input
processes=$(processes)
holders=$(holders)
printf '{"users":[%s]}\n' "$(printf '%s\n' "$processes" "$holders" | sed '/^$/d' | list cat)"
