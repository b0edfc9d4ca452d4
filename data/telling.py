"""A telling machine whose entropy is known: every random draw prints, and the text read from the left gives every draw back.

A story is an ordinary function that is handed a `Voice`. Whatever is left to chance goes through `Voice.draw`, which prints one wording of
an `Options` set. No wording of a set is the beginning of another one (a prefix-free code), so a reader who knows the story function can
follow: the text so far always tells which wordings were drawn, and with them the whole state of the world. Three things come out of it.

- −ln P(text) is the sum of the draws' −ln P(wording): a story's `nats`, exactly.
- Telling and parsing are one function with another hand on the dice: `Teller` draws at random, `Reader` draws what a given text says.
- The true distribution of the next character, for any beginning, is a sum over the wordings that still fit (`next_character`).

Wordings are templates. `{A}` is filled from the state (it costs nothing); `[food]` is a draw of its own, from the list of that name.
Whether a set is prefix-free for every filling is decided once, when the set is built, so that a draw costs microseconds.
"""

import bisect
import functools
import itertools
import math
import os
import random
import re


class NotPrefixFree(ValueError):
    """Two wordings of one set cannot be told apart by a reader."""


class NotAStory(ValueError):
    """A text that the village cannot have told; the message says where it leaves the road."""


class Ending(Exception):
    """Raised inside a telling when the given text is used up. Internal: it carries nothing out."""


class Options:
    """Wordings of which one is drawn and printed.

    entries: (template, weight, meaning) triples, weights positive integers. `domains` maps a slot's name to every string that may fill
    it; slots of one tuple in `apart` are never filled alike (two people of one story). Raises NotPrefixFree where a reader could be in
    doubt: a wording that prints nothing, or one that begins another.
    """

    def __init__(self, name, entries, domains=None, apart=(), checked=False):
        self.name, self.entries = name, tuple(entries)
        if not self.entries:
            raise ValueError(f"options {name!r}: expected at least one wording, got none")
        parts = [re.split(r"\[(\w+)\]", template) for template, _, _ in self.entries]
        self.heads = [part[0] for part in parts]  # what the draw itself prints
        self.tails = [tuple(zip(part[1::2], part[2::2])) for part in parts]  # then: (list to draw from, text that follows)
        self.slotted = ["{" in head for head in self.heads]
        self.meanings = [meaning for _, _, meaning in self.entries]
        weights = [weight for _, weight, _ in self.entries]
        self.cumulative = list(itertools.accumulate(weights))
        self.total = self.cumulative[-1]
        self.nats = [math.log(self.total / weight) for weight in weights]
        self._subsets = {}
        if not checked:
            check_prefix_free(name, self.heads, domains or {}, apart)

    def without(self, mask):
        """The same options, less those whose bit is set in `mask`: masked and renormalised. A part of a prefix-free set is one."""
        if not mask:
            return self
        subset = self._subsets.get(mask)
        if subset is None:
            if len(self._subsets) >= 4096:  # a store that speeds things up, and must not grow for ever
                self._subsets.clear()
            kept = [entry for i, entry in enumerate(self.entries) if not mask >> i & 1]
            subset = self._subsets[mask] = Options(self.name, kept, checked=True)
        return subset

    def __len__(self):
        return len(self.entries)


def check_prefix_free(name, heads, domains, apart):
    """Refuse a set of wordings in which one could print nothing, or print the beginning of another, whatever fills the slots."""
    for head in heads:
        if not head:
            raise NotPrefixFree(f"options {name!r}: a wording prints nothing, so a reader could not see that it was drawn")
    plain = sorted(head for head in heads if "{" not in head)
    for a, b in zip(plain, plain[1:]):  # sorted: a beginning stands right before what extends it
        if b.startswith(a):
            raise NotPrefixFree(
                f"options {name!r}: {a!r} is the beginning of {b!r}: after it a reader could not tell which was drawn"
            )
    slotted = [head for head in heads if "{" in head]
    apart = [group for group in apart if slotted and told_apart(group, domains)]
    for i, a in enumerate(slotted):
        for b in slotted[i + 1 :] + plain:
            if clash(atoms(a), atoms(b), domains, apart):
                raise NotPrefixFree(
                    f"options {name!r}: {a!r} and {b!r} may begin alike, so a reader could not tell which was drawn"
                )


def told_apart(group, domains):
    """Are the fillings of a group's slots, which are never alike, such that none begins another either?"""
    values = sorted({value for slot in group for value in domains.get(slot) or [""]})
    return bool(values) and not any(b.startswith(a) for a, b in zip(values, values[1:]))


@functools.cache
def atoms(head):
    """A wording as single characters and whole `{slots}`."""
    return tuple(re.findall(r"\{\w+\}|.", head, flags=re.S))


def clash(a, b, domains, apart):
    """May wordings `a` and `b` (as atoms), filled in one and the same state, be one the beginning of the other?"""
    for i, (x, y) in enumerate(zip(a, b)):
        if x == y:
            continue
        slots = [len(x) > 1, len(y) > 1]
        if all(slots):
            return not any({x[1:-1], y[1:-1]} <= set(group) for group in apart)
        if any(slots):
            slot, other = (x, b[i:]) if slots[0] else (y, a[i:])
            literal = "".join(itertools.takewhile(lambda atom: len(atom) == 1, other))
            values = domains.get(slot[1:-1])
            return values is None or any(literal.startswith(value) or value.startswith(literal) for value in values)
        return False
    return True


class Voice:
    """Runs a story. `text` grows; `spans` holds (start, end, nats, name of the options) for each draw; `words` fills the slots.

    `lists` maps the names in [brackets] to Options; a wording drawn from a list fills the slot of that name from then on, and is not
    drawn again in the same story until the list is used up. careful=True checks each draw anew, on the filled wordings.
    """

    def __init__(self, dice, lists, careful=False):
        self.dice, self.lists, self.careful = dice, lists, careful
        self.text, self.spans, self.words, self.used = "", [], {}, {}

    @property
    def nats(self):
        """−ln P(text so far), exact up to the rounding of one float sum."""
        return math.fsum(nats for _, _, nats, _ in self.spans)

    def say(self, template):
        """Print what follows from the state: it costs no nats."""
        self.text += template.format_map(self.words) if "{" in template else template

    def draw(self, options):
        """Draw one wording, print it, and return its meaning."""
        if self.careful:
            check_prefix_free(options.name, self.filled(options), {}, ())
        index = self.dice.pick(self, options)
        wording = options.heads[index]
        if options.slotted[index]:
            wording = wording.format_map(self.words)
        start = len(self.text)
        self.text += wording
        self.spans.append((start, start + len(wording), options.nats[index], options.name))
        for name, rest in options.tails[index]:
            self.fill(name)
            if rest:
                self.say(rest)
        return options.meanings[index]

    def filled(self, options):
        """The wordings of `options` as they would print now."""
        return [head.format_map(self.words) if slot else head for head, slot in zip(options.heads, options.slotted)]

    def fill(self, name):
        """Draw from the list `name`: what [name] in a wording stands for."""
        options = self.lists[name]
        used = self.used.get(name, 0)
        if used + 1 == 1 << len(options):
            used = 0
        index = self.draw(options.without(used))
        self.used[name] = used | 1 << index
        self.words[name] = options.heads[index]


def word_list(name, wordings):
    """An Options list for [name]: earlier wordings are likelier (weights 240 // (16 + rank), at least 1), and each one's meaning is its place."""
    return Options(name, [(wording, max(1, 240 // (16 + i)), i) for i, wording in enumerate(wordings)])


class Teller:
    """Dice that draw at random: the same seed, the same story, on every Python and every system."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def pick(self, voice, options):
        return bisect.bisect_right(options.cumulative, self.random() * options.total)


class Reader:
    """Dice that draw what `text` says: parsing is telling with the answers given. Raises NotAStory where no wording fits.

    With partial=True a text that ends early stops the telling with Ending, and `open` holds what was undecided:
    (options, their filled wordings, how many characters of them are already printed).
    """

    def __init__(self, text, partial=False):
        self.text, self.partial, self.open = text, partial, None

    def pick(self, voice, options):
        at = len(voice.text)
        wordings = voice.filled(options)
        if self.partial and at <= len(self.text):
            rest = self.text[at:]
            if not self.text.startswith(voice.text) or not any(w.startswith(rest) or rest.startswith(w) for w in wordings):
                raise NotAStory(where_it_leaves(self.text, voice.text, wordings))
            if not any(rest.startswith(w) for w in wordings):
                self.open = (options, wordings, len(rest))
                raise Ending
        elif self.partial:
            raise Ending
        for index, wording in enumerate(wordings):
            if self.text.startswith(wording, at):
                if self.text.startswith(voice.text[-200:], max(0, at - 200)):
                    return index
                break
        raise NotAStory(where_it_leaves(self.text, voice.text, wordings))


def where_it_leaves(text, told, wordings=()):
    """One sentence: the first character at which `text` differs from what the village would tell."""
    at = next((i for i, (a, b) in enumerate(zip(text, told)) if a != b), min(len(text), len(told)))
    if at == len(told) and wordings:
        begun = [len(os.path.commonprefix([wording, text[at:]])) for wording in wordings]
        rests = sorted(wording[max(begun) :] for wording, length in zip(wordings, begun) if length == max(begun))
        at += max(begun)
        return (
            f"not a story of the village: at character {at}, after {text[:at][-30:]!r}, expected one of {len(rests)} wordings "
            f"({', '.join(map(repr, rests[:3]))}{' …' if len(rests) > 3 else ''}), got {text[at : at + 30]!r}"
        )
    return f"not a story of the village: at character {at} expected {told[at : at + 30]!r}, got {text[at : at + 30]!r}"


def odds_of_next(wordings, cumulative, printed, begun):
    """{character: probability} of what follows `printed` characters of an open draw; `begun` are those characters."""
    weights = [b - a for a, b in zip([0] + cumulative, cumulative)]
    odds = {}
    for wording, weight in zip(wordings, weights):
        if wording.startswith(begun):
            odds[wording[printed]] = odds.get(wording[printed], 0) + weight
    total = sum(odds.values())
    return {character: weight / total for character, weight in sorted(odds.items())}


def next_character(story, prefix, voice_of):
    """The true P(next character | prefix) as {character: probability}; {"": 1.0} after a whole story.

    story: a function of a Voice; voice_of(dice) makes the Voice. Raises NotAStory when no story begins with `prefix`.
    """
    reader = Reader(prefix, partial=True)
    voice = voice_of(reader)
    try:
        story(voice)
    except Ending:
        pass
    if not voice.text.startswith(prefix[: len(voice.text)]):
        raise NotAStory(where_it_leaves(prefix, voice.text))
    if len(voice.text) > len(prefix):  # what comes next follows from the state
        return {voice.text[len(prefix)]: 1.0}
    if reader.open is None:
        if voice.text != prefix:
            raise NotAStory(
                f"not a story of the village: it ends at character {len(voice.text)}, but {prefix[len(voice.text) :][:30]!r} follows"
            )
        return {"": 1.0}
    options, wordings, printed = reader.open
    return odds_of_next(wordings, options.cumulative, printed, prefix[len(prefix) - printed :] if printed else "")


class Listener(Reader):
    """A Reader that also keeps the surprise of each character: −ln P(character | all before it)."""

    def __init__(self, text):
        super().__init__(text)
        self.surprises = [0.0] * len(text)

    def pick(self, voice, options):
        index = super().pick(voice, options)
        at, left = len(voice.text), list(range(len(options)))
        wordings = voice.filled(options)
        weights = [b - a for a, b in zip([0] + options.cumulative, options.cumulative)]
        before = options.total
        for i, character in enumerate(wordings[index]):
            left = [j for j in left if i < len(wordings[j]) and wordings[j][i] == character]
            after = sum(weights[j] for j in left)
            self.surprises[at + i] = math.log(before / after)
            before = after
        return index
