#!/bin/sh
# What one node is and runs: read-only. See lib.sh for the conventions.
#
# stdin: certificate=<base64 of DER>   optional; without it `key` and `deletionPending` are null
#
# stdout:
#   secureBoot        "enabled", "disabled" or "unsupported"
#   key               state of the certificate: "enrolled", "pending", "not-enrolled", "in-db", "in-kernel", "blocked",
#                     "unsupported"
#   deletionPending   whether a request to delete the key waits for MokManager
#   firmwareSpace     with Secure Boot: bytes that the kernel may still write into the firmware's variables; null where it doesn't
#                     report them (before Linux 6.6, where efivarfs's size is 0)
#   kernel, bootId, machineId, systemUuid
#   modules           for onload, sfc, sfc_char and sfc_resource: null when not live, else
#                     {version, srcversion, outOfTree, unsigned, signers}. `unsigned` is the kernel's own mark on a module
#                     whose signature it could not verify. `signers`: of the files of this module, in the images in the
#                     node's storage, that have the live module's srcversion; modinfo can't ask a live module.
#   ports             Ethernet functions on the PCI bus that the kernel's sfc or OpenOnload's binds: [{pci, id, driver,
#                     virtual, override, part, serial}]; `id` is vendor:device, `driver` null without one, `virtual` for a
#                     function of SR-IOV, `override` the one driver that may have it (driverctl writes that), null where any
#                     may. `part` and `serial` are those of the card, from its Vital Product Data; of the serial number only
#                     the last four characters leave the node.
#   interfaces        of these ports: [{name, pci, driver, version, firmware}] by `ethtool -i`. In-tree `sfc` reports the
#                     kernel's release as its version, the out-of-tree one its own. `firmware` is the card's.
#   ownNetwork        physical interfaces under the default routes (through bridges, bonds and VLANs): [{name, driver,
#                     solarflare}]. A route's own interface with `solarflare` null where nothing physical is found under it
#   onloadDevice      whether /dev/onload is there
#   signaturesEnforced  whether the kernel takes no module without a trusted signature, Secure Boot or not
#   blacklisted       those of the modules that the kernel refuses by `module_blacklist=`. What modprobe.d or
#                     `modprobe.blacklist=` say holds for loading by hardware alone, not for loading by name.
#   kernelDriverBarred  while no sfc is live: the line of modprobe.d, or of `modprobe.blacklist=`, by which the kernel's own isn't
#                     loaded on this node; null where there is none. KMM's worker has a modprobe.d of its own.
#   ibt               whether Indirect Branch Tracking is on
#   boot              {tool, current, first, path}: whether efibootmgr answers; the firmware's entries that this boot came from and
#                     that it tries first, as "0001"; and the device path of the former. Null where it doesn't say.
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=state

MODULES='onload sfc sfc_char sfc_resource'
net=/sys/class/net

key_fields() {
  if [ -z "$input_certificate" ]; then
    printf '"key":null,"deletionPending":null'
    return
  fi
  key=$(key_state)
  listed=$(is_listed --list-delete)
  pending=$(says [ "$listed" = yes ])
  printf '"key":"%s","deletionPending":%s' "$key" "$pending"
}

firmware_space() {
  [ "$secure_boot" = enabled ] || return 0
  space=$(stat -f -c '%T %s %b %a' "$root/sys/firmware/efi/efivars" 2>/dev/null) || return 0
  printf '%s\n' "$space" | awk '$1 == "efivarfs" && $3 > 0 { printf "%.0f", $2 * $4 }'
}

# The signers of the files that a live module may have come from: as_root, because only root may look into storage.
signers() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root sh -c '
    for file in "$1"/var/lib/containers/storage/overlay/*/diff/opt/lib/modules/"$2"/extra/"$3".ko; do
      [ -e "$file" ] || continue
      [ "$(modinfo -F srcversion "$file")" = "$4" ] || continue
      modinfo -F signer "$file"
    done' sh "$root" "$kernel" "$1" "$2" | sort -u
}

module() {
  read_line "/sys/module/$1/initstate"
  [ "$line" = live ] || {
    printf null
    return
  }
  read_line "/sys/module/$1/version"
  printf '{"version":'
  string "$line"
  read_line "/sys/module/$1/srcversion"
  srcversion=$line
  printf ',"srcversion":'
  string "$srcversion"
  read_line "/sys/module/$1/taint"
  out_of_tree=false unsigned=false
  case $line in *O*) out_of_tree=true ;; esac
  case $line in *E*) unsigned=true ;; esac
  printf ',"outOfTree":%s,"unsigned":%s,"signers":[' "$out_of_tree" "$unsigned"
  if [ "$out_of_tree" = true ]; then list signers "$1" "$srcversion"; fi
  printf ']}'
}

# driver_of DEVICE: sets driver to that of a PCI function, by its path in /sys; empty without one.
driver_of() {
  driver=
  [ ! -L "$root$1/driver" ] || driver=$(readlink "$root$1/driver") || driver=
  driver=${driver##*/}
}

# is_ours DEVICE: has sfc bound it (as sfc_ef100 on Alveo SN1000), is it in sfc's own table in this kernel, is its vendor
# Solarflare, or is it what OpenOnload's table has beyond that: Alveo SN1000 and what AMD sells under its own number. Solarflare's
# cards of before 2013 (SFC4000, SFC9000) have drivers of their own, if any, sfc_falcon and sfc_siena. Sets driver, as driver_of does.
is_ours() {
  driver_of "$1"
  case $driver in sfc | sfc_ef100) return 0 ;; esac
  id_of "$1"
  case $id in
    1924:0703 | 1924:6703 | 1924:0710 | 1924:0803 | 1924:0813) return 1 ;;
    1924:* | 10ee:0100 | 10ee:1100 | 1022:1190) return 0 ;;
  esac
  read_line "$1/modalias"
  is_in_table "$line"
}

# id_of DEVICE: sets id to the vendor and device of a PCI function, as 1924:0b03.
id_of() {
  read_line "$1/vendor"
  id=${line#0x}
  read_line "$1/device"
  id=$id:${line#0x}
}

is_in_table() (
  # The table's entries are patterns for `case`, not for files.
  set -f
  for pattern in $sfc_table; do
    # shellcheck disable=SC2254 # a pattern
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
)

# card DEVICE: part and serial number of a PCI function's card. Only root may read its Vital Product Data, which virtual functions
# don't have; a card that doesn't answer is skipped.
card() {
  vpd='' part='' serial=''
  if [ "$virtual" = false ]; then vpd=$(as_root timeout 5 lspci -vv -s "$1" 2>/dev/null) || vpd=; fi
  while read -r entry; do
    case $entry in
      '[PN] Part number:'*) part=${part:-$(trimmed "${entry#*:}")} ;;
      '[SN] Serial number:'*) serial=${serial:-$(trimmed "${entry#*:}")} ;;
    esac
  done <<END
$vpd
END
  # A short one would be all there in four characters.
  case $serial in
    '') ;;
    ????????*) serial="****${serial#"${serial%????}"}" ;;
    *) serial='****' ;;
  esac
  printf '"part":'
  string "$part"
  printf ',"serial":'
  string "$serial"
}

# trimmed TEXT: without the spaces around it.
trimmed() {
  read -r text <<END
$1
END
  printf %s "$text"
}

# PCI functions of the class of an Ethernet controller that are ours.
ports() {
  separator=
  for device in "$root"/sys/bus/pci/devices/*; do
    device=${device#"$root"}
    read_line "$device/class"
    case $line in 0x0200*) ;; *) continue ;; esac
    is_ours "$device" || continue
    virtual=false
    if [ -e "$root$device/physfn" ]; then virtual=true; fi
    printf '%s{"pci":' "$separator"
    string "${device##*/}"
    id_of "$device"
    printf ',"id":'
    string "$id"
    printf ',"driver":'
    string "$driver"
    read_line "$device/driver_override"
    [ "$line" != '(null)' ] || line=
    printf ',"virtual":%s,"override":' "$virtual"
    string "$line"
    printf ,
    card "${device##*/}"
    printf '}'
    separator=,
  done
}

interfaces() {
  separator=
  for path in "$root$net"/*; do
    name=${path##*/}
    is_ours "$net/$name/device" || continue
    answer=$(ethtool -i "$name" 2>/dev/null) || answer=
    printf '%s{"name":' "$separator"
    string "$name"
    member pci bus-info
    member driver driver
    member version version
    member firmware firmware-version
    printf '}'
    separator=,
  done
}

# member NAME KEY: a member of a JSON object, from the line `KEY: value` of $answer.
member() {
  text=
  while IFS=' ' read -r key value; do
    [ "$key" != "$2:" ] || text=$value
  done <<END
$answer
END
  printf ',"%s":' "$1"
  string "$text"
}

# The interfaces of the default routes, IPv4 and IPv6.
default_routes() {
  {
    awk '$2 == "00000000" && $8 == "00000000" { print $1 }' "$root/proc/net/route" 2>/dev/null || :
    awk '$1 ~ /^0+$/ && $2 == "00" && $NF != "lo" { print $NF }' "$root/proc/net/ipv6_route" 2>/dev/null || :
  } | sort -u
}

# physical NAME: the physical interfaces under an interface. Bonds, VLANs and bridges name them in lower_*; a bridge of
# Open vSwitch (OpenShift's br-ex) doesn't, but its ports have ovs-system as their master.
physical() {
  if [ -e "$root$net/$1/device" ]; then
    printf '%s\n' "$1"
    return
  fi
  found=
  for lower in "$root$net/$1"/lower_*; do
    [ -e "$lower" ] || continue
    found=yes
    physical "${lower##*/lower_}"
  done
  [ -z "$found" ] || return 0
  for master in "$root$net"/*/master; do
    [ -L "$master" ] || continue
    link=$(readlink "$master")
    [ "${link##*/}" = ovs-system ] || continue
    port=${master%/master}
    physical "${port##*/}"
  done
}

own_network() {
  default_routes | while IFS= read -r name; do
    under=$(physical "$name")
    printf '%s\n' "${under:-$name}"
  done | sort -u | {
    separator=
    while IFS= read -r name; do
      solarflare=null
      if [ -e "$root$net/$name/device" ]; then solarflare=$(says is_ours "$net/$name/device"); fi
      printf '%s{"name":' "$separator"
      string "$name"
      driver_of "$net/$name/device"
      printf ',"driver":'
      string "$driver"
      printf ',"solarflare":%s}' "$solarflare"
      separator=,
    done
  }
}

signatures_enforced() {
  read_line /sys/module/module/parameters/sig_enforce
  [ "$line" != Y ] || return 0
  # Lockdown's levels in one line, the present one in brackets.
  case $(as_root cat "$root/sys/kernel/security/lockdown" 2>/dev/null) in *'[integrity]'* | *'[confidentiality]'*) return 0 ;; esac
  return 1
}

blacklisted() {
  case $cmdline in *module_blacklist=*) ;; *) return 0 ;; esac
  printf '%s\n' "$cmdline" | tr ' ' '\n' | sed -n 's/^module_blacklist=//p' | tr , '\n' | while IFS= read -r name; do
    case " $MODULES " in *" $name "*) printf '%s\n' "$name" ;; esac
  done
}

# What modprobe itself reads out of its directories and the kernel's arguments.
kernel_driver_barred() {
  read_line /sys/module/sfc/initstate
  [ "$line" != live ] || return 0
  { as_root modprobe --showconfig 2>/dev/null || :; } |
    sed -n '/^blacklist sfc$/p; /^install sfc /p' | sed -n 1p
}

has_ibt() {
  case " $cmdline " in *' ibt=off '*) return 1 ;; esac
  grep -q '^flags.*[[:space:]]ibt\([[:space:]]\|$\)' "$root/proc/cpuinfo" 2>/dev/null
}

# says COMMAND...: true or false, as JSON has it.
says() {
  if "$@"; then printf true; else printf false; fi
}

read_input certificate
read_line /proc/cmdline
cmdline=$line
sfc_table=$(modinfo -F alias sfc 2>/dev/null) || sfc_table=
read_line /proc/sys/kernel/osrelease
kernel=$line
read_boot_order
system_uuid=$(as_root cat "$root/sys/class/dmi/id/product_uuid" 2>/dev/null) || system_uuid=

# Each part is worked out before the first byte is printed: a failure prints no half of an object.
if [ -n "$input_certificate" ]; then
  secret_dir
  write_certificate
fi
secure_boot=$(secure_boot)
key_fields=$(key_fields)
modules=
for name in $MODULES; do
  modules="$modules${modules:+,}\"$name\":$(module "$name")"
done
firmware_space=$(firmware_space)
printf '{"secureBoot":"%s",%s,"firmwareSpace":%s,"kernel":%s,"bootId":%s,"machineId":%s,"systemUuid":%s,"modules":{%s},' \
  "$secure_boot" "$key_fields" "${firmware_space:-null}" "$(string "$kernel")" "$(string "$(first_line /proc/sys/kernel/random/boot_id)")" \
  "$(string "$(first_line /etc/machine-id)")" "$(string "$system_uuid")" "$modules"
printf '"ports":[%s],"interfaces":[%s],"ownNetwork":[%s],"onloadDevice":%s,' \
  "$(ports)" "$(interfaces)" "$(own_network)" "$(says [ -e "$root/dev/onload" ])"
printf '"signaturesEnforced":%s,"blacklisted":[%s],"kernelDriverBarred":%s,"ibt":%s,' \
  "$(says signatures_enforced)" "$(list blacklisted)" "$(string "$(kernel_driver_barred)")" "$(says has_ibt)"
printf '"boot":{"tool":%s,"current":%s,"first":%s,"path":%s}}\n' \
  "$boot_tool" "$(string "$boot_current")" "$(string "$boot_first")" "$(string "$boot_path")"
