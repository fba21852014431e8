"""What streams tell others: log records, spans and metrics, and the inspection of the last one."""
