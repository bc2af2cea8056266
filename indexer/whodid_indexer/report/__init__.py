"""Reports: what happened, told in order, with what it adds up to, for people who were not there."""
