"""From what an application wrote to one record."""
