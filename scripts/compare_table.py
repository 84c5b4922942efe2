"""What is compared with what: kymo's sensors, psutil's expression, node_exporter's series.

Each row says how far kymo may lie outside of the readings around its own, and why.
"""

from dataclasses import dataclass
from typing import Any, Callable, Optional

# kymo's time of a reading is that of the tick it was made in, which began so long before at most.
BEFORE_S = 0.02

EXACT = "the same number of the kernel's"
TICKS = "the kernel corrects idle time downwards, by some ticks of 10 ms"
SWINGS = "moves between two readings"
PAGE = 4096
MIB = 1024.0 * 1024.0


@dataclass
class Row:
    """One value. `kymo` is a sum: keys, each with a factor."""

    what: str
    kymo: list
    psutil: Optional[Callable[[dict], Any]]
    node: Optional[Callable[[dict], Any]]
    is_counter: bool
    unit: str
    tolerance: float = 0.0
    why: str = EXACT


def series(name, factor=1.0, **labels):
    """A series of node_exporter's, or a sum of some."""
    text = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    key = f"{name}{{{text}}}" if labels else name
    return lambda values: values[key] * factor if key in values else None


def plus(*parts):
    def of(values):
        found = [part(values) for part in parts]
        return None if None in found else sum(found)

    return of


def less(one, other):
    def of(values):
        found = (one(values), other(values))
        return None if None in found else found[0] - found[1]

    return of


def rows(known):
    """The rows of the sensors that kymo knows here."""
    for make in (cpus, memory, paging, disks, interfaces, spaces, pressure, chips, vitals):
        yield from make(known)


def sensor(name, **attributes):
    """A key of kymo's: dots in names of attributes are written as two underscores."""
    pairs = ((key.replace("__", "."), value) for key, value in attributes.items())
    return (name, tuple(sorted(pairs)))


def values_of(known, name, attribute):
    found = {dict(key[1])[attribute] for key in known if key[0] == name and key[0] != "vitals"}
    return sorted(found)


def cpus(known):
    modes = {"user": "user", "nice": "nice", "system": "system", "idle": "idle",
             "iowait": "iowait", "interrupt": "irq", "softirq": "softirq", "steal": "steal"}
    for number in values_of(known, "system.cpu.time", "cpu.logical_number"):
        for mode, other in modes.items():
            key = sensor("system.cpu.time", cpu__logical_number=number, cpu__mode=mode)
            is_corrected = mode in ("idle", "iowait")
            yield Row(
                f"CPU time, {mode}", [(key, 1)],
                lambda p, n=int(number), o=other: getattr(p["cpu"][n], o),
                series("node_cpu_seconds_total", cpu=number, mode=other),
                not is_corrected, "s",
                0.03 if is_corrected else 1e-6, TICKS if is_corrected else EXACT,
            )


def memory(known):
    def state(name):
        return sensor("system.memory.usage", system__memory__state=name)

    def slab(name):
        return sensor("system.linux.memory.slab.usage", linux__memory__slab__state=name)

    def swap(name):
        return sensor("system.paging.usage", system__paging__state=name)

    def stage(name):
        return sensor("kymo.memory.dirty", kymo__memory__stage=name)

    def node(name):
        return series(f"node_memory_{name}_bytes")

    def of(name):
        return lambda p: getattr(p["memory"], name)

    def row(what, terms, psutil, other, tolerance=MIB, why=SWINGS):
        return Row(f"memory, {what}", terms, psutil, other, False, "bytes", tolerance, why)

    total, available = sensor("system.memory.limit"), sensor("system.linux.memory.available")
    reclaimable, fixed = slab("reclaimable"), slab("unreclaimable")
    both = plus(node("SReclaimable"), node("SUnreclaim"))
    yield row("total", [(total, 1)], of("total"), node("MemTotal"), 0.0, EXACT)
    yield row("available", [(available, 1)], of("available"), node("MemAvailable"))
    yield row("used", [(state("used"), 1)], lambda p: p["memory"].total - p["memory"].available,
              less(node("MemTotal"), node("MemAvailable")))
    yield row("free", [(state("free"), 1)], of("free"), node("MemFree"))
    yield row("buffers", [(state("buffers"), 1)], of("buffers"), node("Buffers"))
    yield row("cached", [(state("cached"), 1)], None, node("Cached"))
    yield row("cached and reclaimable", [(state("cached"), 1), (reclaimable, 1)], of("cached"),
              plus(node("Cached"), node("SReclaimable")))
    yield row("shared", [(state("shared"), 1)], of("shared"), node("Shmem"))
    yield row("anonymous", [(state("anonymous"), 1)], None, node("AnonPages"))
    yield row("slab reclaimable", [(reclaimable, 1)], None, node("SReclaimable"))
    yield row("slab unreclaimable", [(fixed, 1)], None, node("SUnreclaim"))
    yield row("slab", [(reclaimable, 1), (fixed, 1)], of("slab"), both)
    yield row("committed", [(sensor("kymo.memory.commit"), 1)], None, node("Committed_AS"))
    yield row("dirty", [(stage("dirty"), 1)], None, node("Dirty"))
    yield row("writeback", [(stage("writeback"), 1)], None, node("Writeback"))
    yield row("swap used", [(swap("used"), 1)], lambda p: p["swap"].used,
              less(node("SwapTotal"), node("SwapFree")))
    yield row("swap free", [(swap("free"), 1)], lambda p: p["swap"].free, node("SwapFree"))


def paging(known):
    def faults(name):
        return sensor("system.paging.faults", system__paging__fault__type=name)

    def pages(name):
        return sensor("system.paging.operations", system__paging__direction=name)

    def row(what, terms, psutil, other, factor=1.0):
        terms = [(key, factor) for key in terms]
        return Row(f"paging, {what}", terms, psutil, other, True, "")

    yield row("faults of both kinds", [faults("minor"), faults("major")], None,
              series("node_vmstat_pgfault"))
    yield row("major faults", [faults("major")], None, series("node_vmstat_pgmajfault"))
    yield row("bytes swapped in", [pages("in")], lambda p: p["swap"].sin,
              series("node_vmstat_pswpin", PAGE), PAGE)
    yield row("bytes swapped out", [pages("out")], lambda p: p["swap"].sout,
              series("node_vmstat_pswpout", PAGE), PAGE)
    yield row("processes killed", [sensor("kymo.memory.oom_kills")], None,
              series("node_vmstat_oom_kill"))


def disks(known):
    # kymo's metric, direction; psutil's name and its factor; node_exporter's series.
    fields = [
        ("operations", "read", "read_count", 1, "reads_completed_total"),
        ("operations", "write", "write_count", 1, "writes_completed_total"),
        ("merged", "read", "read_merged_count", 1, "reads_merged_total"),
        ("merged", "write", "write_merged_count", 1, "writes_merged_total"),
        ("io", "read", "read_bytes", 1, "read_bytes_total"),
        ("io", "write", "write_bytes", 1, "written_bytes_total"),
        ("operation_time", "read", "read_time", 1e-3, "read_time_seconds_total"),
        ("operation_time", "write", "write_time", 1e-3, "write_time_seconds_total"),
    ]
    for disk in values_of(known, "system.disk.io", "system.device"):
        for name, direction, other, factor, total in fields:
            key = sensor(f"system.disk.{name}", system__device=disk, disk__io__direction=direction)
            yield Row(
                f"disks, {name} {direction}", [(key, 1)],
                lambda p, d=disk, o=other, f=factor: getattr(p["disk"][d], o) * f,
                series(f"node_disk_{total}", device=disk), True, "", 1e-6,
            )
        key = sensor("system.disk.io_time", system__device=disk)
        yield Row("disks, io time", [(key, 1)], lambda p, d=disk: p["disk"][d].busy_time / 1e3,
                  series("node_disk_io_time_seconds_total", device=disk), True, "s", 1e-6)
        for key in (key for key in known if key == sensor("kymo.disk.pending", system__device=disk)):
            yield Row("disks, pending", [(key, 1)], None, series("node_disk_io_now", device=disk),
                      False, "operations", 2.0, SWINGS)


def interfaces(known):
    # kymo's metric; psutil's names and node_exporter's series for receive and transmit.
    fields = [
        ("io", "bytes_recv", "bytes_sent", "bytes"),
        ("packet.count", "packets_recv", "packets_sent", "packets"),
        ("errors", "errin", "errout", "errs"),
        ("packet.dropped", "dropin", "dropout", "drop"),
    ]
    for nic in values_of(known, "system.network.io", "network.interface.name"):
        for name, received, sent, other in fields:
            for direction, psutil_name in (("receive", received), ("transmit", sent)):
                key = sensor(f"system.network.{name}", network__interface__name=nic,
                             network__io__direction=direction)
                yield Row(
                    f"interfaces, {name} {direction}", [(key, 1)],
                    lambda p, n=nic, o=psutil_name: getattr(p["network"][n], o),
                    series(f"node_network_{direction}_{other}_total", device=nic), True, "",
                )


def spaces(known):
    for key in sorted(key for key in known if key[0] == "system.filesystem.limit"):
        attributes = dict(key[1])
        folder = attributes["system.filesystem.mountpoint"]

        def node(name, a=attributes):
            return series(f"node_filesystem_{name}", device=a["system.device"],
                          mountpoint=a["system.filesystem.mountpoint"],
                          fstype=a["system.filesystem.type"])

        def state(name, k=key):
            return (name[0], tuple(sorted([*k[1], ("system.filesystem.state", name[1])])))

        def of(name, f=folder):
            return lambda p: getattr(p["space"][f], name) if f in p["space"] else None

        def row(what, terms, psutil, other, unit="bytes", tolerance=MIB):
            why = SWINGS if tolerance else EXACT
            return Row(f"file systems, {what}", terms, psutil, other, False, unit, tolerance, why)

        used = [(state(("system.filesystem.usage", "used")), 1)]
        free = [(state(("system.filesystem.usage", "free")), 1)]
        reserved = [(state(("system.filesystem.usage", "reserved")), 1)]
        inodes = [(state(("kymo.filesystem.inodes", name)), 1) for name in ("used", "free")]
        size = node("size_bytes")
        yield row("size", [(key, 1)], of("total"), size, tolerance=0.0)
        yield row("used", used, of("used"), less(size, node("free_bytes")))
        yield row("available", free, of("free"), node("avail_bytes"))
        yield row("available and reserved", free + reserved, None, node("free_bytes"))
        yield row("inodes", inodes, None, node("files"), "inodes", 0.0)
        yield row("inodes free", inodes[1:], None, node("files_free"), "inodes", 100.0)


def pressure(known):
    names = {("cpu", "some"): "cpu_waiting", ("memory", "some"): "memory_waiting",
             ("memory", "full"): "memory_stalled", ("io", "some"): "io_waiting",
             ("io", "full"): "io_stalled"}
    for (resource, kind), other in names.items():
        key = sensor("kymo.pressure.time", kymo__pressure__resource=resource,
                     kymo__pressure__kind=kind)
        if key in known:
            yield Row(f"pressure, {resource} {kind}", [(key, 1)], None,
                      series(f"node_pressure_{other}_seconds_total"), True, "s", 1e-5,
                      "counted in µs")


def chips(known):
    for key in sorted(key for key in known if key[0] == "hw.temperature"):
        attributes = dict(key[1])
        if "hw.name" not in attributes or "hw.sensor_location" not in attributes:
            continue
        chip, place = attributes["hw.name"], attributes["hw.sensor_location"]

        def psutil(p, chip=chip, place=place):
            found = [one.current for one in p["temperatures"].get(chip, []) if one.label == place]
            # Two of one name can't be told apart there.
            return found[0] if len(found) == 1 else None

        def node(values, chip=chip, place=place):
            names = (name for name in values if name.startswith("node_hwmon_chip_names"))
            chips = [label(name, "chip") for name in names if label(name, "chip_name") == chip]
            if len(chips) != 1:
                return None
            for name in values:
                is_label = name.startswith("node_hwmon_sensor_label")
                if is_label and label(name, "chip") == chips[0] and label(name, "label") == place:
                    other = label(name, "sensor")
                    return series("node_hwmon_temp_celsius", chip=chips[0], sensor=other)(values)
            return series("node_hwmon_temp_celsius", chip=chips[0], sensor=place)(values)

        yield Row("temperatures of chips", [(key, 1)], psutil, node, False, "°C", 1.0, SWINGS)


def label(text, name):
    """A label of a series."""
    for begin in "{,":
        if f'{begin}{name}="' in text:
            return text.partition(f'{begin}{name}="')[2].partition('"')[0]
    return ""


def vitals(known):
    def row(what, field, psutil, other, is_counter, unit, tolerance, why):
        return Row(f"vitals, {what}", [(("vitals", field), 1)], psutil, other, is_counter, unit,
                   tolerance, why)

    disk_names = values_of(known, "system.disk.io", "system.device")
    nics = values_of(known, "system.network.io", "network.interface.name")
    nics = [nic for nic in nics if nic != "lo"]

    def disk_sum(name):
        return lambda p: sum(getattr(p["disk"][disk], name) for disk in disk_names)

    def nic_sum(name):
        return lambda p: sum(getattr(p["network"][nic], name) for nic in nics)

    def node_sum(name, devices):
        return plus(*(series(name, device=device) for device in devices))

    def share(p):
        return 100.0 * p["space"]["/"].used / (p["space"]["/"].used + p["space"]["/"].free)

    def node(name):
        return series(f"node_memory_{name}_bytes")

    yield row("memory total", "memory_total", lambda p: p["memory"].total, node("MemTotal"), False,
              "bytes", 0.0, EXACT)
    yield row("memory used", "memory_used", lambda p: p["memory"].total - p["memory"].available,
              less(node("MemTotal"), node("MemAvailable")), False, "bytes", MIB, SWINGS)
    yield row("swap total", "swap_total", lambda p: p["swap"].total, node("SwapTotal"), False,
              "bytes", 0.0, EXACT)
    yield row("swap used", "swap_used", lambda p: p["swap"].used,
              less(node("SwapTotal"), node("SwapFree")), False, "bytes", MIB, SWINGS)
    for number, minutes in enumerate(("1", "5", "15")):
        yield row(f"load {minutes}", f"load {minutes}", lambda p, n=number: p["load"][n],
                  series(f"node_load{minutes}"), False, "", 0.006,
                  "read each 5 s; written with two decimals")
    yield row("disk usage", "disk_usage", share, None, False, "%", 0.01, SWINGS)
    for field, name, total in (("read", "read_bytes", "read"), ("write", "write_bytes", "written")):
        yield row(f"disk {field}", f"disk_{field}_bytes", disk_sum(name),
                  node_sum(f"node_disk_{total}_bytes_total", disk_names), True, "bytes", 0.0, EXACT)
    for field, name, other in (("rx", "bytes_recv", "receive"), ("tx", "bytes_sent", "transmit")):
        yield row(f"network {field}", f"network_{field}_bytes", nic_sum(name),
                  node_sum(f"node_network_{other}_bytes_total", nics), True, "bytes", 0.0, EXACT)
    yield row("processes", "process_count", lambda p: p["processes"],
              series("node_processes_pids"), False, "processes", 2.0, "come and go")
    yield row("boot time", "boot time", lambda p: p["boot"], series("node_boot_time_seconds"), False,
              "s", 1.01, "the others round it to seconds")
