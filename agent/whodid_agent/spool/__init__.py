"""The spool: posted events lie here, redacted and fsynced, from the 2xx until the store has them."""
