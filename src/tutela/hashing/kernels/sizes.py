"""Numbers that kernels and those who call them share. Nothing of the compiler is needed here."""

SIDE = 64
"""Every picture is brought to 64 x 64 brightnesses."""

MIN_SIDE_PX = 5
"""Step 1: below this the hash is all zeros and the quality 0."""

EXACT = 1 << 8
"""Set in a kernel's answer when the exact path was taken; the quality is below it."""

RED, GREEN, BLUE, WHOLE = 299, 587, 114, 1000
"""Weights of brightness, in thousandths (ITU-R BT.601)."""

BLOCK = 8
"""Pixels along a side of a JPEG block, so a scaled decode is a whole number of eighths."""
