"""What knowledge-base front ends ask: create, read, and associate a visitor's session."""
