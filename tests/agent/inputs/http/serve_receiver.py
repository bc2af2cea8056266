"""A receiver in a process of its own, to be killed: prints its address, then serves until then.

Arguments: spool folder, bytes of a segment.
"""

import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from agent.inputs.http.conftest import REDACTOR
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.source import HttpSource

if __name__ == "__main__":
    options = HttpOptions(
        name="in",
        address="127.0.0.1:0",
        spool_dir=Path(sys.argv[1]),
        agent="a1",
        host="h1",
        segment_bytes=int(sys.argv[2]),
    )
    source = HttpSource(options, REDACTOR, ReceiverMetrics(CollectorRegistry()))
    source.open({})
    sys.stdout.write(f"{source.address}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)
