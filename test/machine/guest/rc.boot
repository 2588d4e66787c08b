#!/bin/sh
# Brings the guest from the initramfs to "sshd and login prompt", and says so on the serial console.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs run /run
mount -t securityfs none /sys/kernel/security
mkdir -p /run/sshd
chmod 1777 /tmp /dev/shm

# crc32c_generic first: ext4 asks for it by name and can't load it itself here.
for module in crc32c_generic efivarfs virtio_pci virtio_blk virtio_net virtio_rng ext4 qemu_fw_cfg; do
  modprobe "$module"
done
mount -t efivarfs efivarfs /sys/firmware/efi/efivars

# The keys come from the host at each start, so that the built machine holds none.
given=/sys/firmware/qemu_fw_cfg/by_name/opt/onload-kmm
cat "$given/authorized_keys/raw" >/etc/ssh/authorized_keys
(umask 077 && cat "$given/host_key/raw" >/etc/ssh/ssh_host_ed25519_key)

# One that stays the same over reboots, as on a node.
tr -d - </sys/class/dmi/id/product_uuid >/etc/machine-id

ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
hostname machine

tries=0
while [ ! -b /dev/vdb ] && [ "$tries" -lt 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
mount /dev/vdb /var/home
mkdir -p /var/home/core
chown 1000:1000 /var/home/core

# Returns once it listens, so that the line below means: SSH works.
/usr/sbin/sshd -E /var/log/sshd.log
echo "machine: up boot_id=$(cat /proc/sys/kernel/random/boot_id)" >/dev/ttyS0
