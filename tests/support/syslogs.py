"""Real syslog-ng and rsyslog: the machine's, else unpacked from Debian's packages by `make system` without installing.

`python -m support.syslogs` unpacks what is lacking, and fails where it cannot. A receiver writes each message as one
line, structured data and text; it can be killed and started again at the same port.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Self

from support.running import free_port, listening, wait_until

PACKAGES = {"syslog-ng": ["syslog-ng-core"], "rsyslogd": ["rsyslog", "rsyslog-gnutls"]}


def _root(program: str) -> Path:
    base = Path("/var/tmp") if os.geteuid() == 0 else Path.home() / ".cache"
    return base / "whodid-syslog" / program


def find(program: str) -> Path | None:
    """Where the program is; None where it is nowhere."""
    for path in (Path("/usr/sbin") / program, _root(program) / "usr/sbin" / program):
        if path.exists():
            return path
    found = shutil.which(program)
    return Path(found) if found else None


class Receiver:
    """A syslog daemon on a free port, with TLS where it is given a certificate and its key (PEM)."""

    def __init__(self, program: str, folder: Path, tls: tuple[Path, Path] | None = None) -> None:
        path = find(program)
        assert path is not None
        self._folder = folder
        self._tls = tls
        self._program = path
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.written = folder / f"{program}.received"
        self.log = folder / f"{program}.log"
        self._configuration = folder / f"{program}.conf"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        """As a consumer's `address`."""
        return f"{'tls' if self._tls else 'tcp'}://localhost:{self.port}"

    @property
    def lines(self) -> list[str]:
        """What has been written so far."""
        return self.written.read_text().splitlines() if self.written.exists() else []

    def start(self) -> Self:
        """Start it, and wait until it listens."""
        is_ng = self._program.name == "syslog-ng"
        self._configuration.write_text(self._syslog_ng() if is_ng else self._rsyslog())
        root = self._program.parents[2]
        places = ("usr/lib/*-linux-gnu", "lib/*-linux-gnu", "usr/lib/syslog-ng")
        libraries = [str(path) for place in places for path in root.glob(place)] if root != Path("/") else []
        environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)} if libraries else None
        command = [str(self._program), *(self._as_syslog_ng(root) if is_ng else self._as_rsyslog(root))]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wait_until(lambda: listening(self.port)() or not self.running, f"{self._program.name} listens", 20)
        assert self.running, self.log.read_text()
        return self

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: what it has in memory is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM."""
        if self.running and self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _as_syslog_ng(self, root: Path) -> list[str]:
        state = [f"--{name}={self._folder / name}" for name in ("persist-file", "pidfile", "control")]
        modules = [] if root == Path("/") else [f"--module-path={root / 'usr/lib/syslog-ng' / self._version(root)}"]
        return ["-F", "-f", str(self._configuration), "--no-caps", *state, *modules]

    def _version(self, root: Path) -> str:
        return next(path.name for path in (root / "usr/lib/syslog-ng").iterdir())

    def _as_rsyslog(self, root: Path) -> list[str]:
        modules = [] if root == Path("/") else ["-M", str(next(root.glob("usr/lib/*/rsyslog")))]
        return ["-n", "-f", str(self._configuration), "-i", str(self._folder / "pid"), *modules]

    def _syslog_ng(self) -> str:
        tls = ""
        if self._tls:
            certificate, key = self._tls
            tls = f'tls(cert-file("{certificate}") key-file("{key}") peer-verify(optional-untrusted))'
        transport = "tls" if self._tls else "tcp"
        return (
            "@version: 3.38\n"
            "options { keep-hostname(yes); use-dns(no); stats-freq(0); log-msg-size(65536); };\n"
            f'source s {{ syslog(ip("127.0.0.1") port({self.port}) transport("{transport}") {tls}); }};\n'
            f'destination d {{ file("{self.written}" template("$SDATA $MSG\\n")); }};\n'
            "log { source(s); destination(d); flags(flow-control); };\n"
        )

    def _rsyslog(self) -> str:
        driver, certificates = "", ""
        if self._tls:
            certificate, key = self._tls
            certificates = (
                f' defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{certificate}"'
                f' defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"'
            )
            driver = ' streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"'
        return (
            f'global(workDirectory="{self._folder}" maxMessageSize="64k"{certificates})\n'
            f'module(load="imtcp"{driver})\n'
            'template(name="line" type="string" string="%structured-data% %msg%\\n")\n'
            f'input(type="imtcp" address="127.0.0.1" port="{self.port}")\n'
            f'*.* action(type="omfile" file="{self.written}" template="line")\n'
        )


class Certificates(NamedTuple):
    """PEM files: the CA, the certificate of `localhost` with its key, and one of the same key that is valid no more."""

    ca: Path
    certificate: Path
    key: Path
    expired: Path


def make_certificates(folder: Path) -> Certificates:
    """Valid for two days; `expired` since yesterday."""
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    fresh = ["-newkey", "rsa:2048", "-nodes"]
    signed = ["-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    commands = [
        ["req", "-x509", *fresh, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2"],
        ["req", *fresh, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost"],
        ["x509", "-req", *signed, "-extfile", "names", "-out", "certificate.pem"],
    ]
    commands.append(["x509", "-req", *signed[:-1], "-1", "-extfile", "names", "-out", "expired.pem"])
    for command in commands:
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return Certificates(*(folder / name for name in ("ca.pem", "certificate.pem", "key.pem", "expired.pem")))


def main() -> None:
    """Unpack what is lacking."""
    script = Path(__file__).with_name("unpack.sh")
    for program, packages in PACKAGES.items():
        if find(program) is None:
            _root(program).parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(["sh", str(script), str(_root(program)), *packages], capture_output=True, check=False)
            if done.returncode or find(program) is None:
                sys.exit(1)


if __name__ == "__main__":
    main()
