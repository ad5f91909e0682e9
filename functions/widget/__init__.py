"""What insurers ask: which claim sessions did this user make?"""
