"""What clients may send, strictly: an unknown field is a typing error, and is said so. Each body has an example."""
