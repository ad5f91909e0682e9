"""What retailers ask: their shopping sessions, in any of eleven orders, through twenty filters."""
