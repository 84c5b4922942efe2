"""A machine in QEMU: starts and ends it, unplugs its devices, runs commands in it."""

import json
import os
import socket
import subprocess
import time

PORTS = ("commands", "stream")


class Machine:
    """Ends with the `with` block it stands in, whatever happens there."""

    def __init__(self, folder, kernel, initramfs, console):
        self._folder = folder
        chardevs = [
            f"file,id=console,path={console}",
            *(f"socket,id={name},path={self.path(name)},server=on,wait=off"
              for name in ("bus", "qmp", *PORTS)),
        ]
        arguments = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "512",
            "-no-reboot", "-kernel", kernel, "-initrd", initramfs,
            "-append", "console=ttyS0 panic=-1 rdinit=/init",
            *(word for chardev in chardevs for word in ("-chardev", chardev)),
            "-serial", "chardev:console", "-serial", "chardev:bus",
            "-mon", "chardev=qmp,mode=control", "-device", "virtio-serial-pci",
            *(word for name in PORTS
              for word in ("-device", f"virtserialport,chardev={name},name={name}")),
            "-device", "pcie-root-port,id=socket,chassis=1",
            "-blockdev", "null-co,node-name=nothing,size=16777216,read-zeroes=on",
        ]
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
        try:
            self._qmp = self._connect("qmp").makefile("rw")
            self._qmp.readline()
            self.qmp("qmp_capabilities")
            self._commands = self._connect("commands").makefile("rwb")
            self.stream = self._connect("stream")
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self._process.kill()
        self._process.wait()

    def path(self, name):
        return os.path.join(self._folder, name)

    def _connect(self, name):
        end = time.monotonic() + 10
        while True:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(self.path(name))
                return line
            except (FileNotFoundError, ConnectionRefusedError):
                line.close()
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("QEMU does not start") from None
                time.sleep(0.05)

    def qmp(self, command, **arguments):
        """Has QEMU do something, and returns what it answers."""
        self._qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._qmp.flush()
        while line := self._qmp.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"QEMU is gone; it was asked for {command}")

    def plug(self, device_id, **properties):
        self.qmp("device_add", id=device_id, **properties)

    def unplug(self, device_id):
        self.qmp("device_del", id=device_id)

    def try_run(self, command):
        """Runs a line of shell in the machine; returns its exit code and its output."""
        self._commands.write(command.encode() + b"\n")
        self._commands.flush()
        head = self._commands.readline().split()
        if len(head) != 2:
            raise RuntimeError(f"the machine is gone; it was asked for {command}")
        return int(head[0]), self._commands.read(int(head[1])).decode()

    def run(self, command):
        """The same, where anything but success is an error; returns the output."""
        status, output = self.try_run(command)
        if status != 0:
            raise RuntimeError(f"in the machine: {command}: exit code {status}\n{output}")
        return output
