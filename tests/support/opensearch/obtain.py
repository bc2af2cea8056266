"""Gets OpenSearch as ordinary Maven artefacts into a cache folder, and finds a JDK that can run it.

    CACHE/opensearch-3.8.0/         the unpacked distribution (path.home); `.ready` inside marks it whole
    CACHE/opensearch-3.4.0-…/       the same, put together from more (secure.py)

The distribution of 3.8.0 holds all core modules. It is unpacked by name with empty folders kept, readable by everybody,
because the node refuses to run as root and is started as `nobody`.
"""

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

STORE_VERSION = "3.8.0"
OLDEST_JDK = 21

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>whodid</groupId><artifactId>node</artifactId><version>1</version><packaging>pom</packaging><build><plugins><plugin>
<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version>
<configuration><artifactItems>{items}</artifactItems></configuration></plugin></plugins></build></project>
"""
_ITEM = """<artifactItem><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
<type>{type}</type><outputDirectory>{folder}</outputDirectory></artifactItem>
"""


class Unavailable(Exception):
    """No node can be had here; the message says in one line what is missing."""


def cache() -> Path:
    """The folder that distributions are kept in; `nobody` must be able to walk to it, so root's home will not do."""
    base = Path("/var/tmp") if os.geteuid() == 0 else Path.home() / ".cache"
    folder = base / "whodid-opensearch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def distribution(version: str = STORE_VERSION) -> Path:
    """The node's home folder, fetched and unpacked the first time. Raises Unavailable."""
    home = cache() / f"opensearch-{version}"
    if (home / ".ready").exists():
        return home
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        source = fetch(Path(scratch), version)
        (source / ".ready").touch()
        shutil.rmtree(home, ignore_errors=True)
        source.rename(home)
    return home


def fetch(scratch: Path, version: str) -> Path:
    """The distribution unpacked below `scratch`: its home folder, to be moved."""
    copy_artefacts(
        scratch, [(("org.opensearch.distribution.integ-test-zip", "opensearch", version, "zip"), scratch / "zip")]
    )
    unzip(scratch / "zip" / f"opensearch-{version}.zip", scratch / "unpacked")
    (source,) = (scratch / "unpacked").iterdir()
    for needed in ("bin", "plugins"):
        (source / needed).mkdir(exist_ok=True)
    return source


def copy_artefacts(scratch: Path, artefacts: list[tuple[tuple[str, str, str, str], Path]]) -> None:
    """Copy artefacts (group, name, version, type), each into its folder, with Maven. Raises Unavailable."""
    if shutil.which("mvn") is None:
        raise Unavailable("Maven (mvn) is not installed, so no OpenSearch node can be fetched")
    items = "".join(
        _ITEM.format(group=group, artifact=name, version=version, type=kind, folder=folder)
        for (group, name, version, kind), folder in artefacts
    )
    pom = scratch / "pom.xml"
    pom.write_text(_POM.format(items=items))
    done = subprocess.run(
        ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy"], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise Unavailable(f"Maven could not fetch OpenSearch: {done.stdout.strip()[-300:]}")


def unzip(archive: Path, into: Path) -> None:
    """Unpack, readable by everybody."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(into)
    for path in into.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def missing() -> list[str]:
    """What a node lacks here, each in one line; empty where one can be had."""
    lines = []
    if shutil.which("mvn") is None and not (cache() / f"opensearch-{STORE_VERSION}" / ".ready").exists():
        lines.append("Maven (mvn) is not installed")
    try:
        java()
    except Unavailable as error:
        lines.append(str(error))
    return lines


def java() -> Path:
    """A `java` of at least version 21. Raises Unavailable."""
    for candidate in _candidates():
        version = _version_of(candidate)
        if version >= OLDEST_JDK:
            return candidate
    raise Unavailable(f"no JDK of version {OLDEST_JDK} or later was found (JAVA_HOME, /usr/lib/jvm, PATH)")


def _candidates() -> Iterator[Path]:
    if "JAVA_HOME" in os.environ:
        yield Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    found = shutil.which("java")
    if found:
        yield Path(found)


def _version_of(program: Path) -> int:
    if not program.exists():
        return 0
    done = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', done.stderr)
    return int(match.group(1)) if match else 0


if __name__ == "__main__":
    if lacking := missing():
        print(f"no Docker, and {', '.join(lacking)}: the tests with OpenSearch are skipped")  # noqa: T201 - its output
