"""Reading videos: each is decoded in a limited child process of its own.

`jail.Videos` is the door. `child` is what runs inside; nothing but `cell` starts it.
"""
