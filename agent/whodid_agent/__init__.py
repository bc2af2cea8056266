"""The agent: tails and receives audit events, normalises them, delivers each exactly once."""

import sys

# httpx's own command line brings rich and pygments with it: a tenth of the time that this agent takes to start. None
# is how Python is told that there is no such module, and httpx then does without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # the documented value for it
