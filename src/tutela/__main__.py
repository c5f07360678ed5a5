"""`python -m tutela`, and the script `tutela`."""

import signal


def main() -> None:
    """Run the command; Ctrl-C while its code is still loading ends it without a page of that."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:  # and not ignored, as behind `nohup`
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tutela.cli import main as run  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, interrupted)
    run()


if __name__ == "__main__":
    main()
