"""What is checked, in the order in which it is."""

import json
import time

from evm import Bus
from stream import Stream

# Bus, reading and a tick of the stream: a chip on I2C is read every two seconds.
READ_SECONDS = 12
# kymod looks for chips that came every ten.
LOOK_SECONDS = 25
# A drive is read every thirty, and its chip is looked for when it is to be read again.
DRIVE_SECONDS = 45


class Failure(Exception):
    """Something is not as it has to be."""


class Checks:
    """kymod in a machine that runs."""

    def __init__(self, machine):
        self._machine = machine
        self._bus = Bus(machine.path("bus"))
        self._bus.start()
        self._stream = Stream(machine.stream)
        self._pid = None
        self._began = time.monotonic()

    def run(self):
        self.starts()
        self.lists_the_chip()
        self.tells_what_is_set()
        self.tells_faults()
        self.tells_a_chip_that_does_not_answer()
        self.numbers_are_of_the_day()
        self.buses_have_numbers_of_the_day_too()
        self.a_drive_comes_and_goes()
        self.goes_on_while_a_bus_hangs()
        self.ends_well()

    def kymod_log(self):
        return self._machine.try_run("cat /tmp/kymod.log")[1]

    # What helps.

    def _say(self, text):
        print(f"ok {time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def _wait(self, what, is_so, seconds=READ_SECONDS):
        """Waits until the sensors are so; returns what `is_so` did."""
        end = time.monotonic() + seconds
        while not (found := is_so(self._stream.sensors())):
            problem = self._stream.ended or self._bus.error
            if problem or time.monotonic() > end:
                problem = problem or f"not within {seconds} s"
                seen = json.dumps(list(self._stream.sensors().values()), indent=1)
                raise Failure(f"{what}: {problem}; the sensors are {seen}")
            time.sleep(0.05)
        return found

    def _expect(self, what, is_so):
        if not is_so:
            raise Failure(what)

    def _wait_for_values(self, what, chip, *expected, seconds=READ_SECONDS):
        """Waits until the temperatures of `chip` are these; a state where there is no value."""
        def is_so(sensors):
            told = [(s.get("state"), s.get("value")) for s in of(sensors, chip)]
            return len(told) == len(expected) and all(
                state == value if isinstance(value, str) else (state, number) == ("ok", value)
                for (state, number), value in zip(told, expected))
        self._wait(f"{what}: {chip} {expected}", is_so, seconds)

    def _adapter(self, name):
        found = self._machine.run(f"grep -l '{name}' /sys/bus/i2c/devices/*/name").split()
        return found[0].rsplit("/", 1)[0]

    def _hwmon(self, name):
        found = self._machine.run(f"grep -lx {name} /sys/class/hwmon/*/name").split()
        return found[0].split("/")[4]

    def _attach_bus(self):
        self._machine.run("guest attach /dev/ttyS1 >/tmp/attach.log 2>&1 & echo $! >/tmp/attach")
        self._machine.run("for i in $(seq 50); do"
                          " grep -q TAOS /sys/bus/i2c/devices/*/name && break; sleep 0.1; done")

    def _plug_chip(self):
        self._machine.run(f"echo lm90 0x4c >{self._adapter('TAOS')}/new_device")

    def _unplug_chip(self):
        self._machine.run(f"echo 0x4c >{self._adapter('TAOS')}/delete_device")

    def _plug_drive(self):
        self._machine.plug("ssd", driver="nvme", serial="tested", drive="nothing", bus="socket")

    def _set_stub(self, half_degrees):
        value = (half_degrees & 0x1FF) << 7
        swapped = value >> 8 | (value & 0xFF) << 8
        number = self._adapter("stub").rsplit("-", 1)[1]
        self._machine.run(f"i2cset -f -y {number} 0x48 0 0x{swapped:04x} w")

    def _sensors(self):
        told = self._machine.run("kymo sensors --dir /run/kymo --groups hwmon --json")
        return {sensor["identity"]: sensor for sensor in json.loads(told)["sensors"]}

    # The checks.

    def starts(self):
        run = self._machine.run
        self._bus.chip.set(25, -10.125)
        self._attach_bus()
        self._plug_chip()
        self._expect("the kernel reads the bus", self._bus.reads > 0)
        run("(kymod --dir /run/kymo >/tmp/kymod.log 2>&1 &)")
        run("for i in $(seq 50); do grep -q ready /tmp/kymod.log && break; sleep 0.1; done")
        self._pid = run("pidof kymod").strip()
        run("(guest carry $(port stream) /run/kymo/json.sock >/tmp/carry.log 2>&1 &)")
        self._stream.start()
        self._stream.subscribe(5, ["hwmon"])
        kernel = run("uname -sr").strip()
        self._say(f"kymod runs under {kernel}, and the kernel reads a chip of ours")

    def lists_the_chip(self):
        self._wait_for_values("at first", "lm90", 25, -10.125)
        listed = of(self._sensors(), "lm90")
        self._expect(f"kymo sensors lists {listed}", [
            (s["label"], s["value"], s["state"], s["cadence_s"], s["cost"]) for s in listed
        ] == [("lm90 temp1", 25, "ok", None, "costly"), ("lm90 temp2", -10.125, "ok", None, "costly")])
        self._expect(f"ages of {listed}", all(0 <= s["age_ms"] < 5000 for s in listed))
        self._say("kymo sensors lists it with value, state, age and cadence")

    def tells_what_is_set(self):
        for local, remote in [(0, 0), (127, 127.875), (-39, -39.875), (-1, -0.125), (1, 0.125)]:
            self._bus.chip.set(local, remote)
            self._wait_for_values("set", "lm90", local, remote)
            self._say(f"told as set: {local} and {remote} °C")

    def tells_faults(self):
        self._bus.chip.set(25, -40)
        self._wait_for_values("too cold to be true", "lm90", 25, "fault")
        self._bus.chip.set(25, 30)
        self._wait_for_values("after it", "lm90", 25, 30)
        self._bus.chip.break_diode(True)
        self._wait_for_values("a broken diode", "lm90", 25, "fault")
        self._bus.chip.break_diode(False)
        self._wait_for_values("a whole one", "lm90", 25, 30)
        self._say("a broken diode and an impossible temperature are faults")

    def tells_a_chip_that_does_not_answer(self):
        before = ids(self._stream.sensors())
        self._bus.is_unplugged = True
        self._wait("a silent chip", lambda sensors: ids(sensors) == before and all(
            s.get("state") == "absent" and s["value"] is None for s in sensors.values()))
        self._bus.is_unplugged = False
        self._wait_for_values("it answers", "lm90", 25, 30)
        self._expect("its sensors have the ids they had", ids(self._stream.sensors()) == before)
        self._say("a chip that does not answer is absent, and comes back as what it was")

    def numbers_are_of_the_day(self):
        before, number = ids(self._stream.sensors()), self._hwmon("lm90")
        told = len(self._stream.topologies)
        self._unplug_chip()
        self._wait("a chip that left", lambda sensors: not of(sensors, "lm90"), LOOK_SECONDS)
        self._expect("a new topology", len(self._stream.topologies) > told)
        self._say("a chip that is removed leaves the catalog, which is told anew")
        self._plug_drive()
        self._wait_for_values("a drive", "nvme", 49.85, seconds=LOOK_SECONDS)
        self._say("a drive that is plugged in is found: 323 K, as QEMU's have")
        self._bus.chip.set(31, 32.5)
        self._plug_chip()
        self._expect(f"the chip is another one than {number}", self._hwmon("lm90") != number)
        self._wait_for_values("the chip is back", "lm90", 31, 32.5, seconds=LOOK_SECONDS)
        after = ids(of_identity(self._stream.sensors(), "lm90"))
        self._expect(f"identities and ids {after} as before: {before}", after == before)
        self._say(f"back as {self._hwmon('lm90')} instead of {number}, same identities and ids")

    def buses_have_numbers_of_the_day_too(self):
        def path():
            return self._machine.run(f"readlink /sys/class/hwmon/{self._hwmon('lm90')}")
        before, place = ids(of_identity(self._stream.sensors(), "lm90")), path()
        self._machine.run("kill $(cat /tmp/attach)")
        self._wait("a bus that left", lambda sensors: not of(sensors, "lm90"), LOOK_SECONDS)
        self._attach_bus()
        self._plug_chip()
        self._expect(f"the bus is another one than {place}", path() != place)
        self._wait_for_values("the bus is back", "lm90", 31, 32.5, seconds=LOOK_SECONDS)
        after = ids(of_identity(self._stream.sensors(), "lm90"))
        self._expect(f"identities and ids {after} as before: {before}", after == before)
        self._say("its bus is unplugged, comes back under another number, and nothing else changes")

    def a_drive_comes_and_goes(self):
        drive = ids(of_identity(self._stream.sensors(), "nvme"))
        cadence = {s["cadence_s"] for s in of(self._stream.sensors(), "nvme")}
        self._expect(f"the cadence of a drive is {cadence}", cadence == {1})
        self._machine.unplug("ssd")
        self._wait("a drive that left", lambda sensors: not of(sensors, "nvme"), DRIVE_SECONDS)
        self._wait_for_values("meanwhile", "lm90", 31, 32.5)
        self._plug_drive()
        self._wait_for_values("the drive", "nvme", 49.85, seconds=LOOK_SECONDS)
        after = ids(of_identity(self._stream.sensors(), "nvme"))
        self._expect(f"identities and ids {after} as before: {drive}", after == drive)
        self._say("a drive that is pulled leaves, and comes back as what it was")

    def goes_on_while_a_bus_hangs(self):
        self._machine.run("insmod /modules/i2c_stub.ko chip_addr=0x48")
        self._set_stub(41)
        self._machine.run(f"echo lm75 0x48 >{self._adapter('stub')}/new_device")
        self._wait_for_values("a third chip", "lm75", 20.5, seconds=LOOK_SECONDS)
        self._say("an LM75 is found, which a driver of its own reads")
        self._bus.is_deaf = True
        self._wait("a bus that hangs", lambda sensors: {"held"} == {
            s.get("state") for s in of(sensors, "lm90")}, LOOK_SECONDS)
        held = [(s["value"], s["age_ms"]) for s in of(self._stream.sensors(), "lm90")]
        self._expect(f"last values and ages stay: {held}",
                     [value for value, _ in held] == [31, 32.5])
        for half_degrees in (-21, 250):
            self._set_stub(half_degrees)
            self._wait_for_values("another bus", "lm75", half_degrees / 2)
        self._machine.run("kymo ping --dir /run/kymo")
        self._say("while one bus hangs its chip is held, and others are read")
        self._bus.is_deaf = False
        self._wait_for_values("it hears again", "lm90", 31, 32.5, seconds=60)
        self._say("the bus hears again, and its chip is read")

    def ends_well(self):
        run = self._machine.run
        self._expect("kymod is the one that was started", run("pidof kymod").strip() == self._pid)
        self._expect(f"the stream goes on: {self._stream.ended}", not self._stream.ended)
        run("kymo quit --dir /run/kymo")
        run("for i in $(seq 50); do pidof kymod || break; sleep 0.1; done; ! pidof kymod")
        self._say("kymod lived through it, and stops when asked")


def of(sensors, chip):
    """The sensors of the chip of this name, in the order of their identities."""
    found = (sensors[name] for name in sorted(sensors) if f"/{chip}/" in name)
    return list(found)


def of_identity(sensors, chip):
    return {name: sensor for name, sensor in sensors.items() if f"/{chip}/" in name}


def ids(sensors):
    """Which id each identity has."""
    return {name: sensor["id"] for name, sensor in sensors.items()}
