"""What a check of an exercise says of an answer: for the tests of the checks."""


def verdict(capsys, check, *answers):
    """The line that `check` prints for the answers."""
    check(*answers)
    return capsys.readouterr().out
