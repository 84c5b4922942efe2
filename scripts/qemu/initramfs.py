"""The file system a machine starts from, in memory: a cpio archive of the kind "newc"."""

import lzma
import os
import re
import stat
import subprocess


class Archive:
    """Files by path, folders as they are needed."""

    def __init__(self):
        self._bytes = bytearray()
        self._folders = set()
        self._count = 0

    def add(self, path, content, mode=0o755, device=(0, 0)):
        folder = os.path.dirname(path)
        if folder and folder not in self._folders:
            self._folders.add(folder)
            self.add(folder, b"", stat.S_IFDIR | 0o755)
        if not stat.S_IFMT(mode):
            mode |= stat.S_IFREG
        self._count += 1
        fields = (self._count, mode, 0, 0, 1, 0, len(content), 0, 0, *device,
                  len(path) + 1, 0)
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields)
        self._bytes += path.encode() + b"\0"
        self._pad()
        self._bytes += content
        self._pad()

    def add_program(self, path, source):
        """A program of this system, with the libraries it is linked with."""
        self.add(path, read(source))
        linked = subprocess.run(["ldd", source], capture_output=True, text=True, check=False)
        for library in re.findall(r"(/\S+) \(0x", linked.stdout):
            if library.lstrip("/") not in self._folders:
                # Remembered with the folders, which no library is.
                self._folders.add(library.lstrip("/"))
                self.add(library.lstrip("/"), read(library))

    def add_console(self):
        """What the first process writes to; the kernel opens it before anything is mounted."""
        self.add("dev/console", b"", stat.S_IFCHR | 0o600, (5, 1))

    def finish(self):
        self.add("TRAILER!!!", b"", stat.S_IFREG)
        return bytes(self._bytes)

    def _pad(self):
        self._bytes += b"\0" * (-len(self._bytes) % 4)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def load_order(folder, wanted):
    """The files of modules below `folder`, each after those it needs; as (name, content)."""
    files = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            if found := re.fullmatch(r"(.+)\.ko(\.xz)?", name):
                files[found[1].replace("-", "_")] = os.path.join(parent, name)
    order = {}

    def visit(name):
        if name in order or name not in files:
            return  # built in, if it is one at all
        content = read(files[name])
        if files[name].endswith(".xz"):
            content = lzma.decompress(content)
        depends = re.search(rb"\0depends=([^\0]*)\0", content)
        for other in depends[1].decode().split(",") if depends else []:
            visit(other.replace("-", "_"))
        order[name] = content

    for name in wanted:
        visit(name)
    return [(f"{name}.ko", content) for name, content in order.items()]
