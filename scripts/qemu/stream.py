"""What kymod tells a subscriber of samples, as JSON Lines through a port of the machine."""

import json
import threading


class Stream(threading.Thread):
    """Keeps the catalog and the newest samples, and all that it was told."""

    def __init__(self, line):
        super().__init__(daemon=True)
        self._line = line
        self._lock = threading.Lock()
        self._parts = []
        self._sensors = {}
        self._samples = {}
        self.topologies = []
        self.frames = 0
        self.told = []
        self.ended = None

    def subscribe(self, rate_hz, groups):
        request = {"subscribe": ["samples"], "rate_hz": rate_hz, "groups": groups}
        self._line.sendall(json.dumps(request).encode() + b"\n")

    def run(self):
        try:
            for text in self._line.makefile("r", encoding="utf-8"):
                with self._lock:
                    self._take(json.loads(text))
        except (OSError, ValueError, KeyError) as error:
            self.ended = repr(error)
        self.ended = self.ended or "it has ended"

    def sensors(self):
        """The catalog with its newest samples, by identity."""
        with self._lock:
            return {sensor["identity"]: sensor | self._samples.get(sensor["id"], {})
                    for sensor in self._sensors.values()}

    def _take(self, line):
        if line["type"] == "catalog":
            self._parts = line["sensors"] if line["first"] == 0 else self._parts + line["sensors"]
            if line["last"]:
                self._sensors = {sensor["id"]: sensor for sensor in self._parts}
                self._samples = {}
                self.topologies.append(line["topology"])
        elif line["type"] == "samples" and line["topology"] == self.topologies[-1]:
            self.frames += 1
            for sample in line["samples"]:
                state = {"state": "ok", "age_ms": 0, "frame": self.frames}
                self._samples[sample["id"]] = state | sample
        else:
            self.told.append(line)
