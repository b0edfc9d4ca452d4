"""What a check of an exercise says of an answer: for the tests of the checks."""


def verdict(capsys, check, *answers):
    """The line that `check` prints for the answers."""
    check(*answers)
    return capsys.readouterr().out


def assert_hears(capsys, check, answer, message):
    """A wrong answer is told its cause, `message`."""
    heard = verdict(capsys, check, answer)
    assert "not yet" in heard and message in heard, heard


def assert_not_tried(capsys, check):
    """A function without a body, and a bare `...`, count as not tried yet."""
    def stub(*answers):
        """A docstring."""
        ...

    assert "not tried yet" in verdict(capsys, check, stub) and "not tried yet" in verdict(capsys, check, ...)
