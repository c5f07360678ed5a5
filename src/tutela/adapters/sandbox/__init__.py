"""Sandboxes: loopback stand-ins for authorities. Nothing handed to one reaches anybody."""
