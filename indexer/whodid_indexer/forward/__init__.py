"""Records on their way out as they arrive: to a webhook, to syslog, into a file that a SIEM's own agent reads."""
