"""Counsel: what a lawyer of the operator has accepted, and the gate before every match."""
