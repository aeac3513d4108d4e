# SPDX-License-Identifier: ISC
"""Faults below a running letterlockd: tests/power/recorder.c stands under all of its processes and fails what it is told to.

    with Faults(tmp) as faults:
        exchange.start(environment=faults.environment(exchange.data))
        with faults.failing(WRITE, SEGMENT | LOG, errno.ENOSPC): ...
"""
import contextlib
import mmap
import os
import struct

import pytest

from conftest import build_folder

READ, WRITE, SYNC, OPEN, SIZE = 1, 2, 4, 8, 16
DATABASE, LOG, SEGMENT, BODY, BODIES, FOLDER, OTHER = 1, 2, 4, 8, 16, 32, 64
ALWAYS = -1
ROWS, ROW, HEAD = 8, struct.Struct("<IIiiII"), struct.Struct("<q")


class Faults:
    def __init__(self, folder):
        self.path = os.path.join(folder, "faults")
        self.recorder = build_folder() / "tests/power/power_recorder.so"
        if not self.recorder.exists():
            pytest.skip("no power_recorder.so: the build has none")
        with open(self.path, "wb") as f:
            f.write(bytes(HEAD.size + ROWS * ROW.size))
        self.file = open(self.path, "r+b")
        self.memory = mmap.mmap(self.file.fileno(), 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.memory.close()
        self.file.close()

    def environment(self, data):
        # AddressSanitizer wants to be the first library: it may be the second.
        asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        return {**os.environ, "LD_PRELOAD": str(self.recorder), "LETTERLOCK_RECORDER_FOLDER": str(data),
                "LETTERLOCK_RECORDER_FAULTS": self.path, "ASAN_OPTIONS": asan}

    def clock(self, seconds):
        HEAD.pack_into(self.memory, 0, seconds)

    def set(self, row, calls, kinds, error, count=ALWAYS):
        ROW.pack_into(self.memory, HEAD.size + row * ROW.size, calls, kinds, error, count, 0, 0)

    def hits(self, row=0):
        return ROW.unpack_from(self.memory, HEAD.size + row * ROW.size)[4]

    @contextlib.contextmanager
    def failing(self, calls, kinds, error, count=ALWAYS):
        self.set(0, calls, kinds, error, count)
        try:
            yield self
        finally:
            hits = self.hits()
            self.set(0, 0, 0, 0, 0)
            assert hits > 0, "the fault was never met: nothing was tested"
