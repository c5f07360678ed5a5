"""What stands in the files: a change of it needs a new `frozen.VERSION`."""

import hashlib

import numpy as np

from tutela.index import frozen
from tutela.index.plan import LAYOUTS, Layout
from tutela.index.ring import RingIndex

DIGESTS = {  # of so many rows, laid out with keys of so many bits
    (20, 4): "57aab65f01cb501ab40b572c45f9cb8d94f6131099c7267dffcd59e0f1d58169",
    (3_000, 7): "4200e3323682924dbddc86729dad4e6542e574f7d773886a282f1f668db8e47c",
    (70_000, 12): "6b2c075c00e94ef5f6ad6dc5407c40c32e04a51e9f020de99b2b948f9965e798",
}


def test_the_tables_are_those_of_this_version() -> None:
    """Files of installed versions hold these tables; kernels must go on to find their way there.

    When this fails, the tables are sorted or laid out in another way: raise `frozen.VERSION`,
    so that older files are refused and built again, and set the digests anew.
    """
    assert frozen.VERSION == 2
    seen = {}
    for rows, key in DIGESTS:
        # Not drawn by numpy, whose generators may change from one version to the next.
        raw = hashlib.shake_256(rows.to_bytes(4, "little")).digest(rows * 32)
        words = np.frombuffer(raw, "<u8").reshape(rows, 4)
        layout = Layout(widths=(16,) * 16, keys=(key,) * 16)
        assert layout in LAYOUTS
        arrays = RingIndex.build(words, layout=layout).arrays()
        whole = hashlib.sha256()
        for name in sorted(arrays):
            whole.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
            whole.update(arrays[name].tobytes())
        seen[rows, key] = whole.hexdigest()
    assert seen == DIGESTS
