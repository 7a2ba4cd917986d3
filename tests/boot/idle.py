"""The Linux guest without its workloads: it says READY and sleeps for ever. And what the host spends on a process."""
import gzip
import pathlib
import re

from packages import linux_guest

INIT = b"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>/dev/ttyS0
echo READY
while :; do sleep 1000; done
"""


def cpio_entry(name, data, mode):
    """A file of a `newc` archive, see cpio(5)."""
    words = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % w for w in words) + name + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def idle_linux(folder):
    """Options that boot it. The kernel takes several archives one behind the other; the last one's /init is kept."""
    guest, initrd = linux_guest(), folder / "idle.gz"
    archive = cpio_entry(b"init", INIT, 0o100755) + cpio_entry(b"TRAILER!!!", b"", 0)
    initrd.write_bytes((guest / "initrd.gz").read_bytes() + gzip.compress(archive))
    return {"kernel": guest / "vmlinuz", "initrd": initrd, "append": (guest / "cmdline").read_text().strip()}


def pss_kib(pid):
    """What the process costs the host: its own pages, and its part of those that it shares. None: the host does not tell."""
    try:
        return int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
    except OSError:
        return None
