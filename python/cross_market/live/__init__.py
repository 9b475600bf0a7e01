"""What runs beside a live session."""

from cross_market.live import alerts

__all__ = ["alerts"]
