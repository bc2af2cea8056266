"""The HTTP input: a receiver that answers 2xx only when the events are durable."""
