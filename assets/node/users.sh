#!/bin/sh
# What holds the modules, so that they can't be unloaded: read-only. See lib.sh for the conventions. Bonds, bridges, VLANs and
# addresses don't hold them: their interface goes away.
#
# stdin: nothing
#
# stdout: {"users": [{name, holds, pod}]}
#   a process, as "nginx (4242)", each once. `holds` is the file that it has open: a device of OpenOnload's, one of its sockets
#     ("onload:[tcp:0:1]"), the flash of a card (/dev/mtd0, as firmware tools open it), or a virtual function that was given to
#     vfio-pci: its port's driver can be removed only once that is free. `pod` is the UID of the pod that it runs in, null outside of pods.
#   another module, such as a network filter's, as "module NAME"; `holds` is the module that it needs.
#   "the kernel", where in-tree sfc is in use by more than all of these.
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=users

# The devices that hold sfc, in-tree or not, one a line.
sfc_devices() {
  for mtd in "$root"/sys/class/mtd/mtd*; do
    number=${mtd##*/mtd}
    # As "ens1f0 sfc_mcfw:0b"; other flash, such as a BIOS's, is another driver's.
    case $(first_line "/sys/class/mtd/mtd$number/name") in
      *' sfc_'*) printf '%s\n' "/dev/mtd$number" "/dev/mtd${number}ro" "/dev/mtdblock$number" ;;
    esac
  done
  for vf in "$root"/sys/bus/pci/drivers/sfc/*/virtfn* "$root"/sys/bus/pci/drivers/sfc_ef100/*/virtfn*; do
    group=$(readlink "$vf/iommu_group") || continue
    printf '%s\n' "/dev/vfio/${group##*/}" "/dev/vfio/noiommu-${group##*/}"
    for device in "$vf"/vfio-dev/*; do
      if [ -e "$device" ]; then printf '%s\n' "/dev/vfio/devices/${device##*/}"; fi
    done
  done
}

# Lines "PID FILE", one a process. The descriptors of all processes are root's alone.
open_files() {
  set -- -lname '/dev/onload*' -o -lname 'onload:*' -o -lname '/dev/sfc_*'
  for device in $(sfc_devices); do set -- "$@" -o -lname "$device"; done
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root sh -c '
    proc=$1/proc
    shift
    find "$proc"/[0-9]*/fd \( "$@" \) 2>/dev/null | while IFS= read -r link; do
      file=$(readlink "$link") || continue
      pid=${link#"$proc"/}
      printf "%s %s\n" "${pid%%/*}" "$file"
    done' sh "$root" "$@" | sort -k 1,1n -k 2 | awk '!seen[$1]++'
}

# The UID of the pod that a process runs in, from its control group (kubepods-burstable-pod1234_….slice); nothing outside of pods.
pod_of() {
  sed -n 's/.*kubepods.*pod\([0-9a-f]\{8\}[0-9a-f_-]*\).*/\1/p' "$root/proc/$1/cgroup" 2>/dev/null | sed -n 1p | tr _ -
}

# user NAME HOLDS POD: a line
user() {
  printf '{"name":%s,"holds":%s,"pod":%s}\n' "$(string "$1")" "$(string "$2")" "$(string "$3")"
}

processes() {
  printf '%s\n' "$files" | while read -r pid file; do
    [ -n "$pid" ] || continue
    user "$(first_line "/proc/$pid/comm") ($pid)" "$file" "$(pod_of "$pid")"
  done
}

modules() {
  for holder in "$root"/sys/module/onload/holders/* "$root"/sys/module/sfc/holders/* \
    "$root"/sys/module/sfc_char/holders/* "$root"/sys/module/sfc_resource/holders/*; do
    name=${holder##*/}
    case $name in '*' | onload | sfc | sfc_char | sfc_resource) continue ;; esac
    held=${holder%/holders/*}
    printf '%s %s\n' "$name" "${held##*/}"
  done | sort -u | awk '!seen[$1]++' | while read -r name held; do user "module $name" "$held" ''; done
}

# How often in-tree sfc is in use, beyond the modules that need it. OpenOnload's holds itself while it runs well.
uses() {
  case $(first_line /sys/module/sfc/taint) in *O*) echo 0 && return ;; esac
  count=$(first_line /sys/module/sfc/refcnt)
  case $count in '' | *[!0-9]*) echo 0 && return ;; esac
  for holder in "$root"/sys/module/sfc/holders/*; do
    [ ! -e "$holder" ] || count=$((count - 1))
  done
  echo "$count"
}

# A program that only reads a driver's state holds it for a moment, too, so this asks twice.
kernel() {
  case $files in */dev/mtd*) return ;; esac
  for pause in 1 0; do
    [ "$(uses)" -gt 0 ] || return 0
    sleep "$pause"
  done
  user 'the kernel' sfc ''
}

# shellcheck disable=SC2119 # it takes no line at all
read_input
files=$(open_files)
users=
for part in processes modules kernel; do
  found=$($part)
  users=$users${found:+$found,}
done
users=$(printf %s "$users" | tr '\n' ,)
printf '{"users":[%s]}\n' "${users%,}"
