"""Creates the Python environments with uv, and generates the stubs.

python/setup.sh runs it before any package is installed, so it imports only the standard library.
When nothing has changed it starts no other program: checksums decide, because switching branches
back and forth touches files without changing them.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "python"
MAIN_REQUIREMENTS = PYTHON / "requirements.txt"
LINT_REQUIREMENTS = PYTHON / "requirements-lint.txt"
UV_REQUIREMENTS = PYTHON / "requirements-uv.txt"

# The programs of the tutorial, of which every environment has a copy.
TUTORIAL = ("calculator.py", "client.py", "server.py")

# The exit status if a package has no wheel for this Python on this platform.
NO_WHEEL = 3

# uv does not read the variables of pip.
UV_VARIABLES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
}


class SetupError(Exception):
    """The set-up cannot continue. The text is for the user."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def _report(message: str) -> None:
    print(f"setup: {message}", file=sys.stderr, flush=True)


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def _run(command: list[str | Path], environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a program; return its exit status and its output."""
    ended = subprocess.run(  # noqa: S603 (uv, pip and Python with arguments from here)
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return ended.returncode, ended.stdout


def uv_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv: the user's, with the settings for pip."""
    settings = {"UV_PYTHON_DOWNLOADS": "never"}
    for of_pip, of_uv in UV_VARIABLES.items():
        if environ.get(of_pip):
            settings[of_uv] = environ[of_pip]
    # pip skips folders that do not exist.
    links = [
        link
        for link in environ.get("PIP_FIND_LINKS", "").split()
        if "://" in link or Path(link).exists()
    ]
    if links:
        settings["UV_FIND_LINKS"] = ",".join(links)
    if environ.get("PIP_NO_INDEX", "").lower() not in {"", "0", "false", "no", "off"}:
        settings["UV_NO_INDEX"] = "1"
    return {**settings, **environ}


def _find_uv() -> Path:
    """Return the user's uv, or else the pinned one, which is installed if it is missing."""
    if found := shutil.which("uv"):
        return Path(found)
    version = UV_REQUIREMENTS.read_text().partition("uv==")[2].split()[0]
    uv = ROOT / "target" / f"uv-{version}"
    if uv.exists():
        return uv
    _report(f"installing uv {version}")
    with tempfile.TemporaryDirectory(dir=uv.parent) as folder:
        pip: list[str | Path] = [sys.executable, "-m", "pip"]
        if not importlib.util.find_spec("pip"):
            venv = Path(folder) / "venv"
            pip[0] = venv / "bin/python"
            status, output = _run([sys.executable, "-m", "venv", venv])
            if status:
                message = (
                    f"{sys.executable} has no pip and cannot create a virtual environment "
                    f"({_last_line(output)}). Install uv, pip, or the module venv (on Debian "
                    "and Ubuntu: apt install python3-venv)"
                )
                raise SetupError(message)
        pip += ["install", "--no-input", "--disable-pip-version-check", "--only-binary=:all:"]
        pip += ["--require-hashes", "--target", folder]
        status, output = _run([*pip, "-r", UV_REQUIREMENTS])
        if status:
            message = (
                f"pip could not install uv {version}: {_last_line(output)}\n"
                "setup: this step needs the network, a mirror (PIP_INDEX_URL), a folder of wheels "
                "(PIP_FIND_LINKS), or an installed uv"
            )
            raise SetupError(message)
        (Path(folder) / "bin/uv").replace(uv)
    return uv


def _uv(arguments: list[str | Path]) -> None:
    """Run uv, and explain a failure."""
    command = [_find_uv(), *arguments]
    environ = uv_environ(os.environ)
    status, output = _run(command, environ)
    if status and "invalid peer certificate" in output:
        # uv has its own list of CAs, which lacks that of a company's proxy.
        status, output = _run(command, {"UV_SYSTEM_CERTS": "1", **environ})
    if not status:
        return
    if no_wheel := re.search(r"(\S+==\S+) has no (?:usable )?wheels", output):
        message = (
            f"there is no wheel of {no_wheel[1]} for this platform "
            f"({platform.system()} {platform.machine()}) and Python {platform.python_version()}. "
            "Another Python may have one: make setup PYTHON=/path/to/python"
        )
        raise SetupError(message, NO_WHEEL)
    message = (
        f"uv {' '.join(map(str, arguments[:2]))} failed:\n{output.rstrip()}\n"
        "setup: this step needs the network, a mirror (PIP_INDEX_URL) or a folder of wheels "
        "(PIP_FIND_LINKS, PIP_NO_INDEX)"
    )
    raise SetupError(message)


class Environment:
    """A virtual environment with the packages of one file.

    `replace` requires the interpreter of this process; otherwise any that exists is kept.
    """

    def __init__(self, venv: Path, requirements: Path, *, replace: bool) -> None:
        self.venv = venv
        self.requirements = requirements
        self.replace = replace
        self.stamp = venv / "setup.packages"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin/python"

    def _stamp(self) -> str:
        return f"{_digest([self.requirements])}\n"

    def _has_python(self) -> bool:
        if not self.python.exists() or not self.replace:
            return self.python.exists()
        program = "import platform, sys; print(platform.python_version(), sys.base_prefix)"
        status, output = _run([self.python, "-I", "-c", program])
        return status == 0 and output.strip() == f"{platform.python_version()} {sys.base_prefix}"

    def is_current(self) -> bool:
        """Whether it has the interpreter and these packages."""
        return self._has_python() and _read(self.stamp) == self._stamp()

    def create(self) -> None:
        """Create it if it has another interpreter or none, and install the packages."""
        if not self._has_python():
            _report(f"creating {_shown(self.venv)} with Python {platform.python_version()}")
            # Removed first, so that an interrupted step is repeated.
            self.stamp.unlink(missing_ok=True)
            _uv(["venv", "--clear", "--python", sys.executable, self.venv])
        _report(f"installing the packages of {_shown(self.requirements)}")
        # A source distribution of grpcio would compile for many minutes, and usually fail. Without
        # compiled bytecode, the first programs that start would all compile the same modules.
        sync: list[str | Path] = ["pip", "sync", "--python", self.python, "--only-binary", ":all:"]
        _uv([*sync, "--require-hashes", "--compile-bytecode", self.requirements])
        self.stamp.write_text(self._stamp())


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


class Programs:
    """The folder from which programs run: the tutorial's, the package interop, the stubs."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder = folder
        self.environment = environment
        self.protos = sorted((ROOT / "proto").glob("*.proto"))
        self.stamp = environment.venv / "setup.programs"

    def _stamp(self) -> str:
        programs = [PYTHON / name for name in TUTORIAL]
        return f"{_digest([*self.protos, *programs, self.environment.requirements])}\n"

    def is_current(self) -> bool:
        """Whether all files are there and belong to these sources and packages."""
        stubs = (f"{p.stem}_pb2{end}" for p in self.protos for end in (".py", ".pyi", "_grpc.py"))
        files = (*stubs, *TUTORIAL, "interop")
        return all((self.folder / file).exists() for file in files) and (
            _read(self.stamp) == self._stamp()
        )

    def create(self) -> None:
        """Copy the programs, and generate the stubs, which work only with the packages here."""
        if self.folder != PYTHON:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Copies: Python resolves a link to a program, and would import the stubs there.
            for name in TUTORIAL:
                shutil.copy(PYTHON / name, self.folder / name)
            package = self.folder / "interop"
            package.unlink(missing_ok=True)
            package.symlink_to(PYTHON / "interop")
        _report(f"generating the stubs in {_shown(self.folder)}")
        with tempfile.TemporaryDirectory(dir=self.environment.venv) as stubs:
            protoc: list[str | Path] = [self.environment.python, "-m", "grpc_tools.protoc"]
            protoc += [
                f"--proto_path={ROOT / 'proto'}",
                f"--python_out={stubs}",
                f"--pyi_out={stubs}",
            ]
            status, output = _run([*protoc, f"--grpc_python_out={stubs}", *self.protos])
            if status:
                message = f"protoc failed on a file in proto/:\n{output.rstrip()}"
                raise SetupError(message)
            # Moved, so that a program that runs at the same time never imports an incomplete file.
            for stub in Path(stubs).iterdir():
                stub.replace(self.folder / stub.name)
        self.stamp.write_text(self._stamp())


@contextmanager
def _locked() -> Iterator[None]:
    """Wait until no other set-up runs in this checkout."""
    (ROOT / "target").mkdir(exist_ok=True)
    with (ROOT / "target/setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _report("waiting for another set-up in this directory")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lock_requirements() -> None:
    """Write the requirements files with hashes from the `.in` files."""
    for source in sorted([*PYTHON.glob("*.in"), *PYTHON.glob("versions/*.in")]):
        oldest = "3.11" if source.stem == LINT_REQUIREMENTS.stem else "3.10"
        target = source.with_suffix(".txt")
        _report(f"writing {_shown(target)}")
        arguments: list[str | Path] = ["pip", "compile", "--universal", "--python-version", oldest]
        arguments += ["--generate-hashes", "--no-annotate", "--no-emit-index-url", "--quiet"]
        arguments += ["--no-emit-find-links", "--custom-compile-command", "make lock"]
        _uv([*arguments, _shown(source), "--output-file", _shown(target)])


def _parts(arguments: argparse.Namespace) -> list[Environment | Programs]:
    """Return what has to exist, in the order of its creation."""
    requirements: Path = arguments.requirements
    if not (ROOT / requirements).is_file():
        message = f"--requirements names a file that does not exist: {requirements}"
        raise SetupError(message)
    folder = ROOT / arguments.environment
    if folder == ROOT and requirements != MAIN_REQUIREMENTS:
        message = "--requirements needs --environment, the folder of that environment"
        raise SetupError(message)
    replace: bool = arguments.replace
    environment = Environment(folder / ".venv", ROOT / requirements, replace=replace)
    parts: list[Environment | Programs] = [environment, Programs(folder / "python", environment)]
    if arguments.goal == "lint":
        parts.append(Environment(ROOT / ".venv-lint", LINT_REQUIREMENTS, replace=replace))
    return parts


def _set_up(arguments: argparse.Namespace) -> None:
    if arguments.goal == "lock":
        with _locked():
            lock_requirements()
        return
    parts = _parts(arguments)
    if all(part.is_current() for part in parts):
        return
    with _locked():
        for part in parts:
            # Checked again, because the process that held the lock may have created it.
            if not part.is_current():
                part.create()


def main() -> int:
    """Run the set-up that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python/setup.sh",
        description="Create .venv with the pinned packages, and the stubs in python/.",
        epilog="The exit status is 3 if a package has no wheel for this Python on this platform.",
    )
    parser.add_argument(
        "goal",
        nargs="?",
        choices=["run", "lint", "lock"],
        default="run",
        help="lint: also .venv-lint with the linters; lock: write the hashes of all requirements",
    )
    parser.add_argument(
        "--environment",
        metavar="FOLDER",
        type=Path,
        default=Path(),
        help="create another environment in this folder: a .venv, and a python/ with copies of "
        "the programs and its own stubs",
    )
    parser.add_argument(
        "--requirements",
        metavar="FILE",
        type=Path,
        default=MAIN_REQUIREMENTS,
        help="with the packages of this file",
    )
    parser.add_argument("--replace", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        _set_up(arguments)
    except SetupError as error:
        _report(str(error))
        return error.status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
