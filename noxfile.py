"""The project's chores: ``nox`` runs lint, types, tests and docs; others are asked for by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests", "docs"]

ROOT = Path(__file__).parent
GROUPS = nox.project.load_toml(ROOT / "pyproject.toml")


def _runs(version: str) -> bool:
    """Whether this Python is really there; a version manager's stand-in may only say that it is not."""
    try:
        command = [f"python{version}", "-c", ""]
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603 - fixed
    except OSError:
        return False
    return done.returncode == 0


#: Python's versions that netbench is for, of those that are on this machine; the newest runs everything.
PYTHONS = [version for version in ("3.11", "3.12", "3.13") if _runs(version)] or ["3"]


def _install(session: nox.Session, *groups: str, package: str = ".") -> None:
    wanted = [each for group in groups for each in nox.project.dependency_groups(GROUPS, group)]
    session.install("-q", package, *wanted)


@nox.session
def lint(session: nox.Session) -> None:
    """Look at style, spelling and the walls between the modules."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("lint-imports", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright."""
    _install(session, "types", "test")
    session.run("mypy")
    session.run("pyright")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests with the newest Python, with coverage; with the others those that need no other machine's quiet."""
    _install(session, "test", package=".[numpy,pandas]")
    if session.python != PYTHONS[-1]:
        session.run("pytest", "tests/unit", *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *(session.posargs or ["tests"]))
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a warning is an error."""
    _install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/site")
    session.log("open build/site/index.html")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Feed a plan's readers whatever breaks them, for so many seconds each: ``nox -s fuzz -- 600``."""
    session.install("-q", ".", "atheris")
    for target in ("template", "config"):
        session.run("python", "-m", "tests.fuzz.plans", target, *(session.posargs or ["60"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Run benchmarks beside their peers; they print ratios and never fail for being slow: ``nox -s bench -- tcp``."""
    _install(session, package=".[numpy]")
    session.run("python", "-m", "tests.bench", *session.posargs)
