"""The village: a small simulated world, told as short stories of plain English, whose truth and whose entropy are known exactly.

    story = village.tell(7)                     story number 7 of the training split; tell(7, "val"), tell(7, "heldout")
    story.text, story.nats                      the story, and −ln P(story), exactly
    village.parse(text)                         the same story back from its text: every draw, every fact; NotAStory if it can't be one
    village.surprises(text)                     the surprise of each character in nats; they sum to story.nats
    village.next_character(beginning)           the true distribution of the next character
    village.questions(story)                    what can be asked about it, with exact answers and choices
    village.twin(story, "holder")               the same story, word for word aligned, with one fact changed

`train` and `val` are the same world with other seeds. In `heldout` the hero's thing is one that he or she never touches in training: those
combinations are masked, and the rest renormalised, so a heldout story has probability 0 in the training world and no floor there.
How the stories are told is in village_plots.py; why the nats are exact, in telling.py.
"""

import dataclasses
import hashlib
import random
import re
import zlib

from data import village_words
from data.telling import Listener, NotAStory, NotPrefixFree, Reader, Teller, where_it_leaves
from data.telling import next_character as _next_character
from data.village_plots import story as _story
from data.village_voice import HIDEAWAY, NAMES, PLACES, THINGS, VillageVoice

VERSION = "1.0"
# sha256 of the first 1,000 training stories: a change of one byte anywhere shows here
FINGERPRINT = "d5c8d20dc552bfb644471e47d6f5ff48b05c52d7733a82765056ad59e8e17d4a"
SPLITS = {"train": 0, "val": 10**12, "heldout": 2 * 10**12}  # where each split's seeds begin
NOT_SAID = "The story does not say."


@dataclasses.dataclass(frozen=True)
class Story:
    """A told story and the truth about it.

    text: the story. spans: (start, end, nats, name) of each draw, in order. nats: −ln P(text). plot: one of ten. people: role -> name.
    thing, adjective: what the story turns on (None on baking days). holder: who has it at the end. events: (position, holder, giver) each
    time it changed hands, names or None. counts: (position, number left) on baking days. belief: (position, where the hero thinks the
    thing is, where it is) or None. where: (question, place) or None. closing: where the last words begin, which name the holder.
    """

    text: str
    spans: tuple
    nats: float
    split: str
    guest: tuple | None
    plot: str
    people: dict
    thing: str | None
    adjective: str | None
    holder: str | None
    events: tuple
    counts: tuple
    goods: str | None
    belief: tuple | None
    where: tuple | None
    closing: int

    @property
    def before_closing(self):
        """The story up to its last words: it holds all it takes to know who has the thing at the end, and does not say it."""
        return self.text[: self.closing]


def _voice(dice, split, guest, careful=False):
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    if guest is None:
        return VillageVoice(dice, split, None, careful)
    name, he = guest if isinstance(guest, (tuple, list)) and len(guest) == 2 else ("", "")
    if not isinstance(name, str) or not re.fullmatch(r"[^\W\d_][\w' -]{0,30}", name) or he not in ("he", "she"):
        raise ValueError(f"guest: expected (a name of letters, 'he' or 'she'), got {guest!r}")
    if split == "heldout":
        raise ValueError(f"guest: expected None in the split 'heldout', whose heroes are of the village, got {guest!r}")
    voice = VillageVoice(dice, split, guest, careful=True)
    alike = (other.startswith(name) or name.startswith(other) for other in NAMES)
    voice.names_used = sum(1 << i for i, same in enumerate(alike) if same)  # whoever could be taken for the guest stays at home
    return voice


def _finished(voice):
    """The Story of a Voice that has told one."""
    names = {role: person.name for role, person in voice.people.items()}
    return Story(
        voice.text,
        tuple(voice.spans),
        voice.nats,
        voice.split,
        voice.guest,
        voice.plot,
        names,
        voice.noun,
        voice.words.get("adj") if voice.noun else None,
        names.get(voice.holder),
        tuple(voice.events),
        tuple(voice.counts),
        voice.notes.get("goods"),
        voice.notes.get("belief"),
        voice.notes.get("where"),
        voice.coda_at,
    )


def tell(number, split="train", guest=None):
    """Story `number` (from 0) of a split: the same on every machine. guest: (name, "he" or "she"), the hero of this telling."""
    if not isinstance(number, int) or not 0 <= number < 10**12:
        raise ValueError(f"number: expected an integer from 0 to 10**12 - 1, got {number!r}")
    voice = _voice(Teller(SPLITS.get(split, 0) + number), split, guest)
    try:
        _story(voice)
    except NotPrefixFree as error:
        raise ValueError(f"guest: {guest[0]!r} cannot be told from other words of the village; choose another name ({error})") from None
    return _finished(voice)


def corpus(count, split="train", start=0):
    """The texts of stories start … start + count − 1 of a split, as a list."""
    return [tell(number, split).text for number in range(start, start + count)]


def parse(text, split="train", guest=None):
    """The Story that reads exactly `text`, found by telling it with the answers given. Raises NotAStory, naming the first wrong character."""
    return _finished(_read(text, Reader, split, guest)[0])


def surprises(text, split="train", guest=None):
    """−ln P(character | all before it) for each character of a whole story, in nats; they sum to the story's nats."""
    return _read(text, Listener, split, guest)[1].surprises


def _read(text, kind, split, guest):
    """(Voice, dice) after telling `text` with its own answers; kind: Reader, or a kind of it. Raises TypeError or NotAStory."""
    if not isinstance(text, str):
        raise TypeError(f"text: expected a story as a string, got {type(text).__name__}")
    dice = kind(text)
    voice = _voice(dice, split, guest)
    _story(voice)
    if voice.text != text:
        raise NotAStory(where_it_leaves(text, voice.text))
    return voice, dice


def next_character(beginning, split="train", guest=None):
    """The true P(next character | beginning) as {character: probability}; {"": 1.0} after a whole story. Raises NotAStory."""
    return _next_character(_story, beginning, lambda dice: _voice(dice, split, guest))


def fingerprint(count=1000):
    """sha256 of the first `count` training stories, joined by a zero byte."""
    return hashlib.sha256(b"\0".join(text.encode() for text in corpus(count))).hexdigest()


# ---- questions


@dataclasses.dataclass(frozen=True)
class Question:
    """One question about (the beginning of) a story, its exact answer, and four choices of which one is right.

    kind: who, giver, where, which, count, belief, really, or unsaid. working: for counts, the steps that lead to the answer.
    """

    kind: str
    text: str
    question: str
    answer: str
    choices: tuple
    working: str = ""


def _choices(answer, near, others, key):
    """The answer among three others, those of `near` before the rest, in an order that depends on the text alone."""
    dice = random.Random(zlib.crc32(key.encode())).random
    near, rest = set(near), [other for other in dict.fromkeys([*near, *others]) if other != answer]
    others = sorted(rest, key=lambda other: (other not in near, dice()))[:3]
    return tuple(sorted([answer, *others], key=lambda _: dice()))


def questions(story):
    """All questions that this story can be asked, as a list of Question."""
    asked, told = [], story.before_closing
    people = list(story.people.values())  # wrong choices come from the story first: a glance must not give the right one away

    def ask(kind, text, question, answer, others, working="", near=()):
        asked.append(Question(kind, text, question, answer, _choices(answer, near, others, text + question), working))

    if story.holder:
        ask("who", told, f"Who has the {story.thing} at the end?", story.holder, NAMES, near=people)
        ask(
            "which",
            told,
            f"Which {story.thing} is the story about?",
            f"the {story.adjective} {story.thing}",
            [f"the {adjective} {story.thing}" for adjective in THINGS[story.thing][0]],
        )
        if story.events[-1][2]:
            ask("giver", told, f"Who had the {story.thing} just before {story.holder}?", story.events[-1][2], NAMES, near=people)
    if story.where:
        question, place = story.where
        at = {name: f"{at} the {name}" for name, (at, _) in PLACES.items()}
        ask("where", told, question, at[place], at.values(), near=[at[name] for name in at if f" the {name}" in told])
    if story.belief:
        until, thinks, really = story.belief
        hero, hiding, so_far = story.people["A"], HIDEAWAY.meanings, story.text[:until]
        near = [thinks, really, *(place for place in hiding if place in so_far)]
        ask("belief", so_far, f"Where does {hero} think the {story.thing} is?", thinks, hiding, near=near)
        ask("really", so_far, f"Where is the {story.thing} really?", really, hiding, near=near)
    for steps in range(1, len(story.counts)):
        numbers = [number for _, number in story.counts[: steps + 1]]
        working = "; ".join(f"{a} {'+' if b > a else '-'} {abs(b - a)} = {b}" for a, b in zip(numbers, numbers[1:]))
        ask(
            "count",
            story.text[: story.counts[steps][0]],
            f"How many {story.goods} are there now?",
            str(numbers[-1]),
            [str(abs(numbers[-1] + off)) for off in (1, -1, 2, -2, 3, 5)],
            working,
        )
    name = story.people["A"]
    unsaid = [
        f"How old is {name}?",
        f"What is the name of {name}'s cousin?",
        f"What is the second name of {name}?",
        f"In which year was {name} born?",
        f"What colour is the door of {name}?",
    ]
    ask("unsaid", told, unsaid[zlib.crc32(told.encode()) % len(unsaid)], NOT_SAID, [])
    return asked


BENCHMARKS = {"choice": ("who", "giver", "where", "which"), "count": ("count",), "belief": ("belief",)}


def benchmark(kind, count, start=0):
    """`count` Questions of one of three kinds, one a story, from stories that no split above number 9 × 10¹¹ shares.

    kind: "choice" (multiple choice about who, whom from, where and which), "count" (word problems), "belief" (who was not there when it
    happened). Deterministic: the same questions for everyone; `start` skips so many stories.
    """
    if kind not in BENCHMARKS:
        raise ValueError(f"kind: expected one of {', '.join(BENCHMARKS)}, got {kind!r}")
    found, number = [], 9 * 10**11 + start
    while len(found) < count:
        story = tell(number, "val")
        fitting = [q for q in questions(story) if q.kind in BENCHMARKS[kind] and len(q.choices) == 4]
        if fitting:
            found.append(fitting[zlib.crc32(story.text.encode()) % len(fitting)])
        number += 1
    return found


# ---- the same story with one thing changed


class _Follower:
    """Dice that repeat the draws of a told story, but for one of them; later draws keep their wording where it is still on offer."""

    def __init__(self, script, at, instead):
        self.script, self.at, self.instead, self.now = script, at, instead, -1

    def pick(self, voice, options):
        self.now += 1
        if self.now >= len(self.script):
            raise NotAStory("the changed story is longer than the told one")
        wanted = self.instead if self.now == self.at else self.script[self.now]
        for index, (template, _, _) in enumerate(options.entries):
            if template == wanted:
                return index
        raise NotAStory(f"after the change nobody can draw {wanted!r}")


class _Scribe(Reader):
    """A Reader that also writes down the template of each draw, and all that were on offer."""

    def __init__(self, text):
        super().__init__(text)
        self.script, self.offers = [], []

    def pick(self, voice, options):
        index = super().pick(voice, options)
        self.script.append(options.entries[index][0])
        self.offers.append((options.name, [template for template, _, _ in options.entries]))
        return index


TWIN_DRAWS = {"holder": ("someone",), "place": ("place",), "person": ("person",), "thing": ("thing",), "hideaway": ("hideaway",)}


def _words_before_draws(told):
    """How many words stand before each draw, and in all: where these agree, two texts are aligned word for word."""
    return [len(told.text[:start].split()) for start, *_ in told.spans] + [len(told.text.split())]


def twins(story, fact="holder"):
    """Every story that differs from `story` in one draw of the given kind, keeps all other wordings, and has as many words: aligned twins.

    fact: "holder" (who got it next), "person", "place", "thing", "hideaway". A generator of Story; the latest draws are changed first.
    """
    if fact not in TWIN_DRAWS:
        raise ValueError(f"fact: expected one of {', '.join(TWIN_DRAWS)}, got {fact!r}")
    scribe, aligned = _Scribe(story.text), _words_before_draws(story)
    _story(_voice(scribe, story.split, story.guest))
    for at in reversed(range(len(scribe.script))):
        name, offers = scribe.offers[at]
        for instead in offers if name in TWIN_DRAWS[fact] else ():
            if instead == scribe.script[at]:
                continue
            voice = _voice(_Follower(scribe.script, at, instead), story.split, story.guest)
            try:
                _story(voice)
            except NotAStory:
                continue
            if _words_before_draws(voice) == aligned:
                yield _finished(voice)


def twin(story, fact="holder"):
    """The first of `twins(story, fact)` in which that fact is another one at the end of the story, or None where there is no such twin."""
    changed = {"holder": lambda s: s.holder, "thing": lambda s: (s.adjective, s.thing)}.get(fact, lambda s: s.text)
    return next((other for other in twins(story, fact) if changed(other) != changed(story)), None)


@dataclasses.dataclass(frozen=True)
class Preference:
    """A beginning and two endings: `chosen` is true in the village, `rejected` names somebody who does not have the thing."""

    prompt: str
    chosen: str
    rejected: str


def preference(story):
    """The story's true ending beside one that reads as well and is false; None where nothing is held at the end."""
    others = [name for name in story.people.values() if name != story.holder]
    if not story.holder or not others:
        return None
    liar = others[zlib.crc32(story.text.encode()) % len(others)]
    ending = story.text[story.closing :]
    close = story.spans[[start for start, *_ in story.spans].index(story.closing) + 1][0]
    last_words = re.sub(rf"\b{re.escape(story.holder)}\b", liar, story.text[story.closing : close])
    return Preference(story.before_closing, ending, last_words + story.text[close:])


# ---- Old Village: a dialect to translate into, and back

_SWAP = {**village_words.OLD_VILLAGE, **{old: new for new, old in village_words.OLD_VILLAGE.items()}}


def _old_word(match):
    word = match[0]
    lower = word[0].lower() + word[1:]
    if word in _SWAP:
        return _SWAP[word]
    if lower in _SWAP:
        return _SWAP[lower][0].upper() + _SWAP[lower][1:]
    if word.endswith("ing") and len(word) > 4:
        return word + "e"
    if word.endswith("inge") and len(word) > 5 and not {word[:-1], lower[:-1]} & _SWAP.keys():  # "morninge": of neither side
        return word[:-1]
    return word


def old_village(text):
    """Translate between the village's English and Old Village. The same rules lead both ways: old_village(old_village(text)) == text."""
    return re.sub(r"[A-Za-z]+", _old_word, text)
