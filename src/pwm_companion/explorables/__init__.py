"""Figures that readers move, and the mathematics behind them as JavaScript."""
