"""Checks for the exercises of chapter 1, and the two pieces that the checks of every chapter are made of: `check` and `Wrong`.

A check is a function of the reader's answer. It raises `Wrong("what is wrong, and one small failing case")`, or returns one line
that says what the answer can now do. The decorator prints the verdict and never lets an error of the reader's code stop the notebook.
"""
import dis
import functools
import types


class Wrong(Exception):
    """The reader's answer is not right yet; the message names the likely cause and one small failing case."""


def untried(answer):
    """Is `answer` still the stub: `...`, or a function whose body is a docstring and `...`?"""
    if answer is ...:
        return True
    if not isinstance(answer, types.FunctionType):
        return False
    bytecode = {instruction.opname for instruction in dis.get_instructions(answer)}
    constants = set(answer.__code__.co_consts) - {None, answer.__doc__, ...}
    return bytecode <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"} and not constants


def check(number):
    """Decorate a check with the exercise's number, "chapter.lesson.exercise"; calling it prints one verdict and returns None."""
    def decorate(judge):
        @functools.wraps(judge)
        def verdict(*answers):
            if any(untried(answer) for answer in answers):
                print(f"Exercise {number}: not tried yet")
                return
            try:
                print(f"Exercise {number}: right. {judge(*answers)}")
            except Wrong as wrong:
                print(f"Exercise {number}: not yet. {wrong}")
            except Exception as error:          # a fault of the reader's code is a finding too, not a crash of the notebook
                print(f"Exercise {number}: not yet. Your code stopped with {type(error).__name__}: {error}")
        return verdict
    return decorate
