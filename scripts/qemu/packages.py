"""What the machine is made of: packages of Debian, unpacked and not installed, and QEMU itself."""

import glob
import os
import re
import shutil
import subprocess

KERNEL = "linux-image-amd64"


class Missing(Exception):
    """Something that this script can't get by itself."""


def need_qemu():
    """Installs QEMU, which is linked with too much to be used unpacked."""
    if shutil.which("qemu-system-x86_64"):
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    command = [*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
               "qemu-system-x86"]
    print("installs", command[-1], flush=True)
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        raise Missing("needs qemu-system-x86_64: " + " ".join(command)) from None


def kernel(folder):
    """The newest kernel of this Debian, or that of $KYMO_QEMU_KERNEL: (its image, its modules)."""
    name = os.environ.get("KYMO_QEMU_KERNEL", KERNEL)
    try:
        told = subprocess.run(["apt-cache", "depends", name], capture_output=True, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise Missing(f"needs apt-get, and a package {name}; try apt-get update") from None
    found = re.search(r"Depends: (linux-image-\d\S+)", told)
    root = unpack(folder, found[1] if found else name)
    return glob.glob(f"{root}/boot/vmlinuz-*")[0], glob.glob(f"{root}/lib/modules/*")[0]


def busybox(folder):
    return os.path.join(unpack(folder, "busybox-static"), "bin/busybox")


def unpack(folder, package):
    """Where `package` is, below `folder`, after it has been got if need be."""
    place = os.path.join(folder, package)
    if os.path.isdir(place):
        return place
    download = place + ".download"
    shutil.rmtree(download, ignore_errors=True)
    os.makedirs(download)
    print("downloads", package, flush=True)
    try:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=download, check=True,
                       stderr=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        raise Missing(f"can't download {package}; try apt-get update") from None
    archive = glob.glob(download + "/*.deb")[0]
    subprocess.run(["dpkg-deb", "-x", archive, download + "/content"], check=True)
    os.rename(download + "/content", place)
    shutil.rmtree(download)
    return place
