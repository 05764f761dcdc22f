"""A real SLURM with one node, this machine, for as long as a test needs it."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel")
CONFIGURATION = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/d
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=2
OverTimeLimit=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=8000 State=UNKNOWN
PartitionName=short Nodes={host} Default=YES State=UP
"""


def lacking() -> str:
    """Why no SLURM can be started here; "" where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)} here: apt-get install slurm-wlm munge"
    if os.geteuid():
        return "only root can start it"
    if Path("/etc/slurm/slurm.conf").exists() or _said(["pgrep", "slurmctld"], dict(os.environ)):
        return "this machine has a SLURM of its own"
    return ""


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """A running SLURM, with its partition `short`; gives the environment in which its commands find it."""
    folder.mkdir(parents=True)
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, cores=os.cpu_count()))
    for name in ("ctld", "d"):
        (folder / name).mkdir()
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_munge())
        for command in (["slurmctld", "-D"], ["slurmd", "-D"]):
            stack.enter_context(_running(command, environment))
        _until(lambda: "idle" in _said(["sinfo", "-h", "-o", "%t"], environment), "the node to be idle")
        yield environment
        subprocess.run(["scancel", "--partition", "short"], env=environment, check=False)
        _until(lambda: not _said(["squeue", "-h"], environment), "the queue to be empty")


@contextlib.contextmanager
def _munge() -> Iterator[None]:
    """The daemon that SLURM's parts know each other by; one that runs already is taken as it is."""
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(secrets.token_bytes(1024))
        shutil.chown(key, "munge", "munge")
        key.chmod(0o400)
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
        yield
        return
    for place in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
        Path(place).mkdir(parents=True, exist_ok=True)
        shutil.chown(place, "munge", "munge")
    as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    daemon = subprocess.Popen([*as_munge, "munged", "-F", "--force"], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0, "munge")
        yield
    finally:
        daemon.terminate()
        daemon.wait()


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _said(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def _until(met: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
