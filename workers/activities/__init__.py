"""What workflows may not do themselves: SQL, HTTP, other workflows. Each activity is idempotent and says how."""
