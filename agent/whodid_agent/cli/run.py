"""`whodid-agent run`: read, normalise, deliver; until stopped, or with --once until everything is drained."""

import re
from pathlib import Path

import click

from whodid_agent.cli import common
from whodid_config.commandline import loading
from whodid_schema.errors import Incomplete, UsageError


class Duration(click.ParamType[float]):
    """Seconds, from `30`, `60s`, `5m` or `1h`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds. Fails with an example."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration; write 60s, 5m or 1h", param, ctx)
        return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2] or "s"]


@click.command("run")
@click.argument("files", nargs=-1, metavar="[FILE|GLOB]...")
@common.config_option
@common.target_option
@common.state_option
@click.option("--http", multiple=True, metavar="HOST:PORT", help="Also take posts at this address.")
@click.option("--once", is_flag=True, help="To the end of every input and the spool, delivered; then leave.")
@click.option(
    "--timeout",
    type=Duration(),
    default="60s",
    show_default=True,
    help="With --once: leave where the store takes nothing for so long.",
)
@click.option("--import-old", is_flag=True, help="Store what is older than its retention too, in the class imported.")
@click.option("--verbose", "-v", is_flag=True, help="Say more on stderr.")
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option that a person can give
    files: tuple[str, ...],
    config: Path | None,
    target: list[str] | None,
    state_dir: Path | None,
    http: tuple[str, ...],
    once: bool,
    timeout: float,
    import_old: bool,
    verbose: bool,
) -> None:
    """Read audit events from files and HTTP, and deliver each exactly once.

    Without --once it runs until SIGTERM or Ctrl-C, and leaves with 0. With it: 0 all is well; 3 the store does not
    let us in; 4 there is no store; 5 something is quarantined, parked or was missed, or an input could not be read.
    """
    with loading():
        from whodid_agent.process import Options, run  # noqa: PLC0415  the whole agent, which --help needs not

    common.log_to_stderr(verbose=verbose)
    settings = common.with_inputs(
        common.settings_of(config, (*files, *http), target=target, state_dir=state_dir, import_old=import_old or None),
        files,
        http,
    )
    if not settings.inputs:
        raise UsageError(
            "there is nothing to read", f"name a file, --http HOST:PORT, or inputs in {config or common.CONFIG_FILE}"
        )
    if not run(settings, Options(once=once, timeout=timeout)) and once:
        state = settings.state_path()
        raise Incomplete(_left(state), f"see: whodid-agent status --state-dir {state}")


def _left(state: Path) -> str:
    """Why a run did not end well: what lies aside and what is gone, or what its warnings have named."""
    from whodid_agent import reconciliation  # noqa: PLC0415  as above

    totals = reconciliation.report(state)["totals"]
    what = (("quarantined", "in quarantine"), ("in_flight", "parked or on the way"), ("missed_bytes", "bytes missed"))
    said = [f"{totals[name]:,} {words}" for name, words in what if totals[name]]
    return f"not everything is in the store: {', '.join(said) or 'an input could not be read, as said above'}"
