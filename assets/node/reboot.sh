#!/bin/sh
# Reboots the node after a short delay, detached, so that the connection ends cleanly. See lib.sh for the conventions.
#
# stdin:
#   boot-id=<the boot to end>   optional guard: after a reboot that happened in between, nothing is done (3)
#   timeout=<seconds>           optional: how long MokManager waits for a key at this reboot; -1 waits indefinitely,
#                               without a countdown. 0 is refused: it counts forever. With a timeout, and where there is
#                               efibootmgr, the next boot takes the entry that this one came from: a network or a removable disk
#                               that the firmware tries first would miss MokManager.
#   delay=<seconds>             optional: before the reboot starts; 3 when missing
#
# stdout: {"bootId": the boot that ends, "bootNext": the entry that the next one takes, or null for the firmware's choice}
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=reboot

read_input boot-id timeout delay
case $input_timeout in
  '' | -1) ;;
  0 | *[!0-9]*) fail 2 'timeout must be -1 or a positive number of seconds' ;;
esac
case ${input_delay:=3} in
  *[!0-9]*) fail 2 'delay must be a number of seconds' ;;
esac
boot_id=$(first_line /proc/sys/kernel/random/boot_id)
[ -n "$boot_id" ] || fail 1 'the boot ID cannot be read'
if [ -n "$input_boot_id" ] && [ "$input_boot_id" != "$boot_id" ]; then
  fail 3 "the node has been rebooted already: its boot ID is $boot_id"
fi

boot_next=
if [ -n "$input_timeout" ]; then
  as_root mokutil --timeout "$input_timeout" >/dev/null || fail 1 'mokutil --timeout failed'
  read_boot_order
  # Without a path the entry is gone, and can't be chosen.
  if [ -n "$boot_path" ]; then
    if answer=$(as_root efibootmgr --bootnext "$boot_current" 2>&1); then
      boot_next=$boot_current
    elif [ -n "$boot_first" ] && [ "$boot_first" != "$boot_current" ]; then
      fail 1 "efibootmgr --bootnext $boot_current: $answer; without it boot entry $boot_first comes first, and MokManager is missed"
    fi
  fi
fi
# The unit's name makes a second call fail instead of planning a second reboot.
answer=$(as_root systemd-run --quiet --unit=onload-kmm-reboot --on-active="${input_delay}s" \
  --timer-property=AccuracySec=100ms systemctl reboot 2>&1) || fail 1 "systemd-run: $answer"
printf '{"bootId":"%s","bootNext":%s}\n' "$boot_id" "$(string "$boot_next")"
