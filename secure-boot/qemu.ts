/** QEMU's command line: a PC with Secure Boot firmware, two disks, a network card and a serial console. */
import path from "node:path";
import type { MachineImages } from "./build.ts";

/** What differs between two machines. */
export interface MachinePlace {
  /** Holds the machine's own disk, variables, keys and sockets. */
  directory: string;
  /** Port of 127.0.0.1 that leads to the guest's port 22. */
  sshPort: number;
  /** Port of 127.0.0.1 that is the serial console. */
  serialPort: number;
  /** The mainboard's UUID. */
  uuid: string;
  /** Path of one more disk that can be booted. The firmware's boot order is its own then, not QEMU's. */
  secondDisk?: string | undefined;
}

/** The arguments for `qemu-system-x86_64`. */
export function qemuArguments(images: MachineImages, place: MachinePlace): string[] {
  const { directory, sshPort, serialPort, uuid, secondDisk } = place;
  const file = (name: string): string => path.join(directory, name);
  return [
    // Software emulation: OVMF keeps its variables safe in SMM, which nested KVM often lacks. One processor: under emulation
    // a second one costs half as much again and speeds up nothing. A small buffer (MB) for translated code is emptied
    // now and then: what earlier boots left in it makes every write to their pages slow, down to bytes a second.
    ...["-machine", "q35,smm=on", "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max", "-m", "768", "-smp", "1"],
    ...["-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"],
    ...["-drive", `if=pflash,format=raw,unit=0,file=${images.firmware.code},readonly=on`],
    ...["-drive", `if=pflash,format=raw,unit=1,file=${file("vars.fd")}`],
    ...["-drive", `if=none,id=esp,format=raw,file=${images.esp},readonly=on`],
    // With any bootindex OVMF puts its boot entries in QEMU's order at every boot.
    ...["-device", `virtio-blk-pci,drive=esp${secondDisk === undefined ? ",bootindex=1" : ""}`],
    ...["-drive", `if=none,id=home,format=raw,file=${file("home.img")}`, "-device", "virtio-blk-pci,drive=home"],
    ...(secondDisk === undefined ? [] : ["-drive", `if=none,id=second,format=raw,file=${secondDisk}`]),
    ...(secondDisk === undefined ? [] : ["-device", "virtio-blk-pci,drive=second"]),
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"],
    ...["-fw_cfg", `name=opt/onload-kmm/authorized_keys,file=${file("client_key.pub")}`],
    ...["-fw_cfg", `name=opt/onload-kmm/host_key,file=${file("host_key")}`],
    ...["-display", "none", "-vga", "none", "-monitor", "none", "-no-user-config", "-uuid", uuid],
    // TCP and not a Unix socket: QEMU drops output when a reader is slow, and a Unix socket is full after 280 bytes.
    ...[
      "-chardev",
      `socket,id=serial,host=127.0.0.1,port=${serialPort},server=on,wait=off,logfile=${file("serial.log")}`,
    ],
    ...["-serial", "chardev:serial", "-qmp", `unix:${file("qmp.sock")},server=on,wait=off`],
  ];
}
