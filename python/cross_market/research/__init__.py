"""Simulation on recorded data."""
