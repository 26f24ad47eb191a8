"""Formats other systems speak, read into typed rows; nothing here stores anything."""
