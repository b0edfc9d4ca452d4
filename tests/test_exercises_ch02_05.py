"""The checks of ch02/05: each passes right answers of several styles, and names the cause of at least three wrong ones."""
import math
import os
import pathlib
import tempfile

import pytest
import torch

from ch02_tokenization import exercises
from tests.verdicts import verdict


def pad(rows, end, *, graded=False, no_end=False, shift=True, same=False, short=False):
    """The solution, with faults to choose from."""
    longest = max(map(len, rows)) - short
    full = [(row + [end] * longest)[:longest] for row in rows]
    inputs = torch.tensor([row[:-1] for row in full])
    if graded:
        return inputs, torch.tensor([row[1:] for row in full])
    targets = torch.tensor([(row[1:] + [-100] * longest)[:longest - 1] for row in rows])
    if no_end:
        targets[targets == end] = -100
    if not shift:
        targets = torch.tensor([(row[:-1] + [-100] * longest)[:longest - 1] for row in rows])
    return (torch.where(targets == -100, -100, inputs) if same else inputs), targets


def pad_by_loop(rows, end):
    inputs = torch.full((len(rows), max(map(len, rows)) - 1), end)
    targets = torch.full_like(inputs, -100)
    for n, row in enumerate(rows):
        inputs[n, :len(row) - 1] = torch.tensor(row[:-1])
        targets[n, :len(row) - 1] = torch.tensor(row[1:])
    return inputs, targets


def save_whole(path, text, *, fsync=True, tidy=True, elsewhere=False, silent=False):
    """The solution, with faults to choose from."""
    folder = pathlib.Path(tempfile.gettempdir()) if elsewhere else path.parent
    draft = folder / f"{path.name}.draft"
    try:
        try:
            with open(draft, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                if fsync:
                    os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            if tidy:
                draft.unlink(missing_ok=True)
    except (OSError, UnicodeError):
        if not silent:
            raise


def save_with_pathlib(path, text):
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            draft.rename(path)
        except BaseException:
            draft.unlink()
            raise


def save_after_deleting(path, text):
    path.unlink(missing_ok=True)
    save_whole(path, text)


def share(batches):
    return 1 - sum(map(sum, batches)) / sum(max(batch) * len(batch) for batch in batches)


def cut(lengths, size):
    return [lengths[at:at + size] for at in range(0, len(lengths), size)]


def first_fit(lengths, room, order=lambda lengths: sorted(range(len(lengths)), key=lambda n: -lengths[n])):
    rows = []
    for number in order(lengths):
        row = next((row for row in rows if sum(lengths[n] for n in row) + lengths[number] <= room), None)
        if row is None:
            rows.append(row := [])
        row.append(number)
    return rows


def next_fit(lengths, room):
    rows = []
    for number, length in enumerate(lengths):
        if not rows or sum(lengths[n] for n in rows[-1]) + length > room:
            rows.append([])
        rows[-1].append(number)
    return rows


RIGHT = [
    (exercises.check_n_windows, 15), (exercises.check_unread, math.exp(-3)), (exercises.check_unread, 0.05),
    (exercises.check_pad, pad), (exercises.check_pad, pad_by_loop),
    (exercises.check_save_whole, save_whole), (exercises.check_save_whole, save_with_pathlib),
    (exercises.check_sorted_padding, lambda lengths, size: share(cut(sorted(lengths), size))),
    (exercises.check_sorted_padding, lambda lengths, size: share(cut(sorted(lengths, reverse=True), size))),
    (exercises.check_pack, first_fit), (exercises.check_pack, lambda lengths, room: [tuple(row) for row in first_fit(lengths, room)]),
]
WRONG = [
    (exercises.check_n_windows, 16, "1,025"), (exercises.check_n_windows, 960, "may start"), (exercises.check_n_windows, 64, "context length"),
    (exercises.check_n_windows, 14, "one more fits"), (exercises.check_n_windows, 17, "k · 64 + 1"),
    (exercises.check_unread, math.exp(-1), "one epoch"), (exercises.check_unread, 0.95, "has been read"),
    (exercises.check_unread, 0.37 / 3, "multiplied, not divided"), (exercises.check_unread, 0, "not so kind"),
    (exercises.check_unread, 0.5, "power of 3n"),
    (exercises.check_pad, lambda rows, end: pad(rows, end, graded=True), "made her loss so low"),
    (exercises.check_pad, lambda rows, end: pad(rows, end, no_end=True), "the first end is a real target"),
    (exercises.check_pad, lambda rows, end: pad(rows, end, shift=False), "come one token later"),
    (exercises.check_pad, lambda rows, end: pad(rows, end, same=True), "−100 is for targets alone"),
    (exercises.check_pad, lambda rows, end: pad(rows, end, short=True), "expected two tensors of shape"),
    (exercises.check_pad, lambda rows, end: (pad(rows, end)[0], torch.zeros_like(pad(rows, end)[1])), "expected targets"),
    (exercises.check_save_whole, lambda path, text: path.write_text(text, encoding="utf-8"), "the old text is gone"),
    (exercises.check_save_whole, lambda path, text: path.write_bytes(text.encode()), "written in place"),
    (exercises.check_save_whole, save_after_deleting, "the old text is gone"),
    (exercises.check_save_whole, lambda path, text: save_whole(path, text, tidy=False), "left lying"),
    (exercises.check_save_whole, lambda path, text: save_whole(path, text, fsync=False), "os.fsync first"),
    (exercises.check_save_whole, lambda path, text: save_whole(path, text, elsewhere=True), "one file system only"),
    (exercises.check_save_whole, lambda path, text: save_whole(path, text, silent=True), "said nothing"),
    (exercises.check_save_whole, lambda path, text: save_whole(path, text.strip()), "was written as"),
    (exercises.check_save_whole, lambda path, text: save_whole(str(path), text), "AttributeError|TypeError"),
    (exercises.check_sorted_padding, lambda lengths, size: share(cut(lengths, size)), "not sorted"),
    (exercises.check_sorted_padding, lambda lengths, size: 1 - share(cut(sorted(lengths), size)), "real tokens"),
    (exercises.check_sorted_padding, lambda lengths, size: 1 - sum(lengths) / (max(lengths) * len(lengths)), "longest of all"),
    (exercises.check_sorted_padding,
     lambda lengths, size: 1 - sum(lengths) / sum(max(one) * size for one in cut(sorted(lengths), size)), "fewer rows"),
    (exercises.check_sorted_padding, lambda lengths, size: share([b for b in cut(sorted(lengths), size) if len(b) == size] or [[1]]), "is missing"),
    (exercises.check_sorted_padding, lambda lengths, size: 0.5, "expected"),
    (exercises.check_pack, lambda lengths, room: [[n] for n in range(len(lengths))], "row of its own"),
    (exercises.check_pack, next_fit, "Longest first"),
    (exercises.check_pack, lambda lengths, room: first_fit(lengths, room, lambda all: range(len(all))), "are enough"),
    (exercises.check_pack, lambda lengths, room: [list(range(len(lengths)))], "more than there is room for"),
    (exercises.check_pack, lambda lengths, room: first_fit(lengths, room)[1:], "is in no row"),
    (exercises.check_pack, lambda lengths, room: first_fit(lengths, room) * 2, "is there twice"),
    (exercises.check_pack, lambda lengths, room: [[lengths[n] for n in row] for row in first_fit(lengths, room)], "not their lengths"),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    assert ": right. " in verdict(capsys, check, answer)


@pytest.mark.parametrize("check, answer, cause", WRONG)
def test_a_wrong_answer_hears_why(check, answer, cause, capsys):
    said = verdict(capsys, check, answer)
    assert ": not yet. " in said and any(part in said for part in cause.split("|")), said


def test_each_check_has_messages_of_its_own(capsys):
    for check in {check for check, _, _ in WRONG}:
        said = [verdict(capsys, check, answer) for one, answer, _ in WRONG if one is check]
        assert len(set(said)) == len(said) >= 3


def test_the_disk_is_as_before(capsys):
    """The check of 2.5.4 puts its own functions in the place of os.replace and others for a moment."""
    before = os.replace, os.rename, os.fsync
    verdict(capsys, exercises.check_save_whole, lambda path, text: 1 / 0)
    assert (os.replace, os.rename, os.fsync) == before


def test_padding_of_real_lengths_is_printed(capsys):
    exercises.compare_padding(lambda lengths, size: share(cut(sorted(lengths), size)), {"some": [1, 100] * 32})
    assert capsys.readouterr().out == "some              padding 50%, sorted 0.0%\n"

    def untried(lengths, batch_size):
        ...
    exercises.compare_padding(untried, {"some": [1, 100] * 32})
    assert capsys.readouterr().out == ""
