"""Vendors whose API is their own in part: a file each."""
