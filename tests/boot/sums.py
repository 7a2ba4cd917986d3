"""What the workloads of the Linux guest in shared/bench/linux give."""

# What qemu-system-i386 -m 256 said, TCG, November 2026.
SUMS = {"gen": "714d67ba", "sha256": "8e5207b9", "gzip": "e1ebb814", "gunzip": "b34e2db6", "fork": "62b5942b",
        "find": "b026324c", "awk": "26331b5f", "sort": "b3fe4c5d", "sh": "54be52e2", "pipe": "c04f19c1"}
