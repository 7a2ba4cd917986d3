"""Guests out of Debian's packages, and the Linux guest that shared/bench/linux makes: fetched once into a folder of the
user's cache (or of /tmp), unpacked there, never installed."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from boot import SHARED

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "/tmp") / "umbra86-guests"


class Missing(Exception):
    """A guest that cannot be had here; the text says why."""


def quietly(what, *command, cwd=None, limit=400):
    try:
        done = subprocess.run([str(c) for c in command], cwd=cwd, timeout=limit, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Missing(f"{what}: {e}") from e
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise Missing(f"{what}: {said[-1] if said else done.returncode}")


def unpacked(name, download):
    """The folder with the package's files; `download(work)` leaves its .deb in the folder `work`. Two tests may ask at
    once: it appears complete or not at all."""
    root = CACHE / name
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            download(work)
            debs = list(pathlib.Path(work).glob("*.deb"))
            if len(debs) != 1:
                raise Missing(f"package {name}: nothing was downloaded")
            quietly(f"package {name}", "dpkg", "-x", debs[0], "root", cwd=work)
            try:
                (pathlib.Path(work) / "root").rename(root)
            except OSError:
                if not root.exists():
                    raise
    return root


# The download is done as the user, for apt's own user cannot write into the folder.
AS_USER = ["-o", "APT::Sandbox::User="]


def package(name):
    return unpacked(name, lambda work: quietly(f"package {name}", "apt-get", "-q", *AS_USER, "download", name, cwd=work))


def i386_kernel(meta):
    """vmlinuz of the kernel that Debian's i386 package `meta` stands for. apt works on lists and a status file of its
    own, so the machine's architectures stay what they are."""
    def download(work):
        for folder in "lists/partial", "cache/archives/partial":
            (pathlib.Path(work) / folder).mkdir(parents=True)
        (pathlib.Path(work) / "status").touch()
        options = [*AS_USER, "-q"]
        for option in ("APT::Architecture=i386", "APT::Architectures=i386", f"Dir::State::Lists={work}/lists",
                       f"Dir::State::status={work}/status", f"Dir::Cache={work}/cache", "Acquire::Languages=none",
                       "Debug::NoLocking=1"):
            options += ["-o", option]
        try:
            quietly(meta, "apt-get", *options, "update", cwd=work)
        except Missing:
            pass  # one index may fail; what follows says whether it was ours
        said = subprocess.run(["apt-cache", *options, "depends", meta], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        found = re.search(r"Depends: (linux-image-\S+)", said)
        if not found:
            raise Missing(f"package {meta}: not in Debian's lists for i386")
        quietly(f"package {meta}", "apt-get", *options, "download", found[1], cwd=work)

    if not shutil.which("apt-get"):
        raise Missing(f"package {meta}: no apt-get here")
    kernels = list((unpacked(meta + "-i386", download) / "boot").glob("vmlinuz-*"))
    if len(kernels) != 1:
        raise Missing(f"package {meta}: {len(kernels)} kernels in it")
    return kernels[0]


def package_file(name, path):
    file = package(name) / path
    if not file.exists():
        raise Missing(f"package {name} has no {path}")
    return file


def linux_guest():
    """vmlinuz, initrd.gz, cmdline and linux.iso, made by shared/bench/linux/make.sh unless the judge's are there."""
    made = pathlib.Path(os.environ.get("JUDGE_CACHE", "/tmp/umbra86-judge")) / "linux"
    if (made / "linux.iso").exists():
        return made
    guest = CACHE / "linux"
    if not (guest / "linux.iso").exists():
        if not (SHARED / "bench" / "linux" / "make.sh").exists():
            raise Missing(f"the Linux guest: no {SHARED}/bench/linux")
        for tool in "cpio", "gzip", "xorriso":
            if not shutil.which(tool):
                raise Missing(f"the Linux guest: no {tool} here to make it")
        CACHE.mkdir(parents=True, exist_ok=True)
        quietly("the Linux guest", "sh", SHARED / "bench" / "linux" / "make.sh", guest)
    return guest


def isolinux_cd(path, config, modules):
    """A CD that boots by isolinux into these modules."""
    if not shutil.which("xorriso"):
        raise Missing("no xorriso here to make the CD")
    loader = package_file("isolinux", "usr/lib/ISOLINUX/isolinux.bin")
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work) / "isolinux"
        folder.mkdir()
        shutil.copy(loader, folder)
        for module in ["ldlinux", *modules]:
            shutil.copy(package_file("syslinux-common", f"usr/lib/syslinux/modules/bios/{module}.c32"), folder)
        (folder / "isolinux.cfg").write_text(config)
        quietly("the CD", "xorriso", "-as", "mkisofs", "-quiet", "-o", path, "-b", "isolinux/isolinux.bin",
                "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", 4, "-boot-info-table", work)
    return path


def syslinux_floppy(path, config):
    """A 1.44 MB floppy that boots by syslinux."""
    if not shutil.which("mcopy"):
        raise Missing("no mtools here to make the floppy")
    # Debian's binary is for the host's amd64 or i386; its mtools need no mounting.
    install = package_file("syslinux", "usr/bin/syslinux")
    path.write_bytes(bytes(1474560))
    quietly("the floppy", "mformat", "-i", path, "-f", 1440, "::")
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as cfg:
        cfg.write(config)
        cfg.flush()
        quietly("the floppy", "mcopy", "-i", path, cfg.name, "::syslinux.cfg")
    quietly("the floppy", install, "--install", path)
    return path
