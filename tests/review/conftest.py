import sys
from pathlib import Path

# The drawn cases that these tests look at are the console's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "console"))
