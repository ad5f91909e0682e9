"""What IoT fleets ask: the current, or else the latest, data session of a SIM."""
