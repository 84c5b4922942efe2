"""An I2C bus at the end of a serial line, and a chip on it that the checks set as they like.

The line speaks as the evaluation modules that Linux drives with i2c-taos-evm: `@4C$01<` reads
register 1 of the chip at 0x4C and is answered with `[x19]`, or with `[NAK]` when nobody is there.
"""

import re
import socket
import threading
import time

RESET, ECHO_OFF = b"\x12", b"-"
REQUEST = re.compile(rb"(?:@(..))?\$(..)?(?:#(..))?([<>])")


class Chip:
    """An LM90: its own temperature in whole degrees, that of a diode in eighths."""

    ADDRESS = 0x4C
    OPEN = 0x04
    LOCAL, REMOTE, STATUS, REMOTE_LOW = 0x00, 0x01, 0x02, 0x10

    def __init__(self):
        self.registers = bytearray(256)
        # Limits that nothing reaches, and the maker's numbers.
        for register, value in ((0x05, 127), (0x06, 0x80), (0x07, 127), (0x08, 0x80),
                                (0x19, 127), (0x20, 127), (0xFE, 0x01), (0xFF, 0x21)):
            self.registers[register] = value

    def set(self, local, remote):
        eighths = round(remote * 8) & 0x7FF
        self.registers[self.LOCAL] = round(local) & 0xFF
        self.registers[self.REMOTE] = eighths >> 3
        self.registers[self.REMOTE_LOW] = (eighths & 7) << 5

    def break_diode(self, is_broken):
        self.registers[self.STATUS] = self.OPEN if is_broken else 0

    def read(self, register):
        return self.registers[register]

    def write(self, register, value):
        # Registers 3 to 8 are written six places above where they are read.
        self.registers[register - 6 if 9 <= register <= 14 else register] = value


class Bus(threading.Thread):
    """Answers on `path`, where the machine listens, until the line ends."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.chip = Chip()
        self.is_deaf = False
        self.is_unplugged = False
        self.delay = 0.0
        self.reads = 0
        self.error = None
        self._address = 0
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(path)

    def run(self):
        pending = b""
        try:
            while received := self._line.recv(256):
                pending = self._take(pending + received)
        except OSError:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def _take(self, pending):
        while pending:
            if pending.startswith(RESET):
                self._line.sendall(b"TAOS TESTED EVM\r\n:")
                pending = pending[1:]
            elif pending.startswith(ECHO_OFF):
                self._line.sendall(b"-")
                pending = pending[1:]
            elif request := REQUEST.match(pending):
                self._serve(*request.groups())
                pending = pending[request.end():]
            else:
                break
        return pending

    def _serve(self, address, register, value, way):
        if address:
            self._address = int(address, 16)
        if self.is_deaf:
            return
        time.sleep(self.delay)
        if self.is_unplugged or self._address != Chip.ADDRESS or register is None:
            answer = b"[NAK]"
        elif way == b">":
            self.chip.write(int(register, 16), int(value or b"0", 16))
            answer = b"[ACK]"
        else:
            self.reads += 1
            answer = b"[x%02X]" % self.chip.read(int(register, 16))
        self._line.sendall(answer)
