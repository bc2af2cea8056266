"""What was written down and not settled, made into batches again: the same lines under the same ids."""

import logging
from collections.abc import Iterator, Mapping

from whodid_agent.batch import Batch
from whodid_agent.inputs.contract import Gone, Source
from whodid_agent.journal import JournalEntry
from whodid_agent.ledger import Ledger

log = logging.getLogger(__name__)


def unsettled(ledger: Ledger, sources: Mapping[str, Source]) -> Iterator[Batch]:
    """The batches that were in flight when the last run ended; what is gone of their lines is counted as missed."""
    for entry in ledger.unsettled():
        batch = _again(entry, ledger, sources)
        if batch.ranges or batch.seq:
            log.info("batch %d was in flight: %d events are sent again", entry.seq, len(batch))
            yield batch


def _again(entry: JournalEntry, ledger: Ledger, sources: Mapping[str, Source]) -> Batch:
    open_ranges = [each for each in entry.ranges if not ledger.passed(each)]
    known = [each for each in open_ranges if each.input in sources]
    if len(known) < len(open_ranges):
        names = {each.input for each in open_ranges} - sources.keys()
        log.warning("batch %d: %s not configured now; its lines wait", entry.seq, ", ".join(sorted(names)))
        ledger.keep(entry.seq)
    # Written down under a number of its own where the old journal is still needed for the others.
    batch = Batch(entry.seq if len(known) == len(entry.ranges) else 0)
    for each in known:
        source = sources[each.input]
        try:
            for block in source.replay(each.key, each.start, each.end, each.received_at):
                batch.add(source.name, block, source.normaliser, each.remembered(entry.indexes))
        except Gone as gone:
            ledger.miss(each.key, source.name, gone.missed)
    return batch
