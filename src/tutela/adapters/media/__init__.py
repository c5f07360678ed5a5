"""Reading pictures: decoders run in limited child processes, pixels never enter the parent.

`jail.Jail` is the door. `child` is what runs inside; nothing but `jail` starts it.
"""
