#!/bin/sh
# Loads the kernel's own driver for Solarflare ports, after OpenOnload's was unloaded: nothing else does so before the next
# boot. See lib.sh for the conventions. It may be loaded already.
#
# stdin: nothing
#
# stdout: {"before": driver, "after": driver}, each "none", "in-tree" or "out-of-tree"
#
# Refused (3): OpenOnload's sfc is still live. `modprobe sfc` would do nothing and succeed.
if [ -z "${onload_kmm_lib:-}" ]; then
  # shellcheck source=assets/node/lib.sh
  . "${0%/*}/lib.sh"
fi
tool=driver

# `lsmod` can't tell the two drivers apart; the kernel's taint mark can.
driver() {
  [ "$(first_line /sys/module/sfc/initstate)" = live ] || {
    echo none
    return
  }
  case $(first_line /sys/module/sfc/taint) in
    *O*) echo out-of-tree ;;
    *) echo in-tree ;;
  esac
}

# shellcheck disable=SC2119 # it takes no line at all
read_input
before=$(driver)
after=$before
case $before in
  out-of-tree) fail 3 "OpenOnload's sfc is still live" ;;
  none)
    # By its name, which a `blacklist` in modprobe.d doesn't cover. OpenOnload's own file lies in an image, not in this tree.
    answer=$(as_root modprobe sfc 2>&1) || fail 1 "modprobe sfc: $answer"
    after=$(driver)
    [ "$after" = in-tree ] || fail 1 "after modprobe sfc its driver is $after: $answer"
    ;;
esac
printf '{"before":"%s","after":"%s"}\n' "$before" "$after"
