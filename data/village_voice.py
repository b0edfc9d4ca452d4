"""The village's own Voice: it knows people, things and places, spells strangers' names, and keeps the truth of a story as it is told.

People have roles: A is the hero; B, C and D come in when they are needed; H is whoever holds the story's thing, Y whoever gets it next.
"""

import functools
import re

from data import village_words as vw
from data.telling import Options, Voice, word_list


class Person:
    """Someone of the village: a name, a pronoun, and the lists that belong to this person alone."""

    def __init__(self, name, he, who, does, cries, cast=True):
        self.name, self.he, self.cast = name, he, cast
        him, his = ("him", "his") if he == "he" else ("her", "her")
        self.slots = {"": name, "_he": he, "_him": him, "_his": his, "_He": he.capitalize(), "_His": his.capitalize()}
        self.lists = {
            "_who": word_list(f"{name} who", who),
            "_does": word_list(f"{name} does", does),
            "_cry": word_list(f"{name} cries", cries),
        }


def _rows(text):
    return [[field.strip() for field in line.split("|")] for line in text.strip().splitlines()]


def _items(field):
    return [item.strip() for item in field.split(";")]


CAST = {name: Person(name, he, _items(who), _items(does), _items(cries)) for name, he, who, does, cries in _rows(vw.PEOPLE)}
NAMES = list(CAST)
OPEN_NAMES = {
    first + middle + last: he
    for first in vw.FIRST_SYLLABLES
    for middle in vw.MIDDLE_SYLLABLES + [""]
    for last, he in vw.LAST_SYLLABLES.items()
}
THINGS = {noun: (adjectives.split(", "), use, used, rest) for noun, adjectives, use, used, rest in _rows(vw.THINGS)}
PLACES = {place: (at, _items(details)) for place, at, details in _rows(vw.PLACES)}
WEATHER = {kind: _items(lines) for kind, lines in _rows(vw.WEATHER)}
NUMBERS = vw.NUMBERS


def _list(text):
    return [item.strip() for item in text.split(";" if ";" in text else ",")]


LISTS = {name: word_list(name, _list(text)) for name, text in vw.LISTS.items()}
ROLES = ("A", "B", "C", "D")
LISTS["far"] = word_list(
    "far",
    _list(
        "over the hill,the coast,the next valley,nowhere in particular,the city,up north,the islands,"
        "a place with no name,the marsh,abroad"
    ),
)
DOMAINS = {name: [head for head in options.heads] for name, options in LISTS.items()}
DOMAINS |= {role: NAMES + vw.FIRST_SYLLABLES for role in (*ROLES, "H", "Y")}  # a stranger's name is known by how it begins
for _role in (*ROLES, "H", "Y"):
    DOMAINS |= {
        _role + "_he": ["he", "she"],
        _role + "_him": ["him", "her"],
        _role + "_his": ["his", "her"],
        _role + "_He": ["He", "She"],
        _role + "_His": ["His", "Her"],
    }
DOMAINS |= {
    "T": list(THINGS),
    "adj": [adjective for adjectives, *_ in THINGS.values() for adjective in adjectives],
    "hideaway": _list(vw.HIDEAWAYS),
}


def bank(name, text, fresh=False, role=""):
    """Options from lines of text, each `wording [=> meaning] [*weight]`; `{role}` and `[role]` stand for the `role`.

    fresh=True makes a bank for `VillageVoice.fresh`, which tells no line twice: its meanings are (line, meaning).
    """
    entries = []
    for line in filter(None, map(str.strip, text.splitlines())):
        wording, meaning, weight = re.fullmatch(r"(.*?)(?: => (\w+))?(?: \*(\d+))?", line).groups()
        template = (
            (wording[1:] if wording.startswith("~") else " " + wording).replace("{role", "{" + role).replace("[role", "[" + role)
        )
        entries.append((template, int(weight or 1), (wording, meaning) if fresh else meaning))
    return Options(name, entries, DOMAINS, apart=[ROLES])


def article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _named(wording, meaning):
    return wording, 1, meaning


KINDS_OF_THING = [(adjective, noun) for noun, (adjectives, *_) in THINGS.items() for adjective in adjectives]
BIG = sum(
    1 << i
    for i, (_, noun) in enumerate(KINDS_OF_THING)
    if noun in "ladder wheelbarrow sled spade umbrella rope blanket clock globe saw rake accordion parrot".split()
)
THING = {
    "T": Options("thing", [_named(f"{adjective} {noun}", (adjective, noun)) for adjective, noun in KINDS_OF_THING]),
    "aT": Options("thing", [_named(article(f"{adjective} {noun}"), (adjective, noun)) for adjective, noun in KINDS_OF_THING]),
}
THING["sT"] = THING["T"]
PLACE = {
    "atP": Options("place", [_named(f"{at} the {place}", place) for place, (at, _) in PLACES.items()]),
    "toP": Options("place", [_named(f"to the {place}", place) for place in PLACES]),
}
PLACE["roofP"] = PLACE["toP"]
OUTDOORS = sum(
    1 << i for i, place in enumerate(PLACES) if place in "pond bridge orchard well garden meadow quarry cemetery".split()
)
HIDEAWAY = Options("hideaway", [_named(wording, wording) for wording in _list(vw.HIDEAWAYS)])
CAST_OR_STRANGER = Options(
    "person",
    [(name, 9, name) for name in NAMES] + [(f"a {age} {kind} from ", 1, None) for age in ("young", "stray") for kind in vw.KINDS],
)
FIRST = Options("syllable", [(syllable, 1, None) for syllable in vw.FIRST_SYLLABLES])
MIDDLE_OR_LAST = Options(
    "syllable", [(s, 2, None) for s in vw.MIDDLE_SYLLABLES] + [(s, 1, he) for s, he in vw.LAST_SYLLABLES.items()]
)
LAST = Options("syllable", [(s, 1, he) for s, he in vw.LAST_SYLLABLES.items()])
SOMEONE = Options("someone", [(f"{{{role}}}", 1, role) for role in ROLES], DOMAINS, apart=[ROLES])
WHO = Options("who", [(f"{{{role}}}", 1, role) for role in ROLES], DOMAINS, apart=[ROLES])
STRANGERS_LISTS = (
    "had come for the fair; was new in the village; lodged above the bakery; had missed the train; asked everybody's name",
    "blinked; coughed; looked at the floor; smiled; nodded; shrugged",
    "Oh; Goodness; Look at that; Never mind; Is that so",
)


def held_out(name, noun):
    """Is this person with this thing one of the combinations that training never shows? About one in eleven; open names never."""
    return name in CAST and (3 * NAMES.index(name) + 5 * list(THINGS).index(noun)) % 11 == 0


HELD_THINGS = {name: sum(1 << i for i, (_, noun) in enumerate(KINDS_OF_THING) if held_out(name, noun)) for name in NAMES}
HELD_NAMES = {noun: sum(1 << i for i, name in enumerate(NAMES) if held_out(name, noun)) for noun in THINGS}
ALL_THINGS = (1 << len(KINDS_OF_THING)) - 1
STRANGERS = sum(1 << i for i in range(len(NAMES), len(CAST_OR_STRANGER)))


class VillageVoice(Voice):
    """A Voice that knows people, things and places, and keeps the truth: who holds the thing, and how that came about.

    split: "train" and "val" tell of the same world; "heldout" gives the hero a thing that he or she never has in training.
    guest: the name (and pronoun) of a visitor who is the hero of this story, spelled by nobody's dice.
    """

    def __init__(self, dice, split="train", guest=None, careful=False):
        super().__init__(dice, LISTS.copy(), careful)
        self.split, self.guest = split, guest
        self.people, self.names_used, self.places_used, self.weather, self.place = {}, 0, 0, "mild", None
        self.holder, self.noun, self.rest, self.plot, self.coda_at = None, None, None, None, None
        self.events, self.counts, self.notes, self.told = [], [], {}, set()

    def fill(self, name):
        if name in ROLES:
            self.meet(name)
        elif name in THING:
            self.name_thing(THING[name], BIG if name == "sT" else 0)
        elif name in PLACE:
            self.go(PLACE[name], OUTDOORS if name == "roofP" else 0)
        elif name == "who":
            self.draw(WHO.without(sum(1 << i for i, role in enumerate(ROLES) if role not in self.people)))
        elif name == "hideaway":
            used = self.used.get(name, 0)
            self.words[name] = self.draw(HIDEAWAY.without(used))
            self.used[name] = used | 1 << HIDEAWAY.meanings.index(self.words[name])
        else:
            super().fill(name)

    def meet(self, role):
        """Print the name of someone new: one of the cast, or a stranger whose name is spelled from syllables; `role` is theirs from now on."""
        if role == "A" and self.guest:
            name, he = self.guest
            self.draw(Options("person", [(name, 1, name)]))
            person = Person(name, he, *map(_items, STRANGERS_LISTS), cast=False)
        else:
            mask = self.names_used
            if self.noun and self.split != "heldout":
                mask |= HELD_NAMES[self.noun]
            if self.split == "heldout" and role == "A" or any(not p.cast for p in self.people.values()):
                mask |= STRANGERS  # at most one stranger a story; heldout heroes are of the cast
            name = self.draw(CAST_OR_STRANGER.without(mask))
            if name:
                person = CAST[name]
                self.names_used |= 1 << NAMES.index(name)
            else:
                person = self.spell()
        self.people[role] = person
        for suffix, word in person.slots.items():
            self.words[role + suffix] = word
        for suffix, options in person.lists.items():
            self.lists[role + suffix] = options
            self.used.pop(role + suffix, None)

    def spell(self):
        """Where a stranger comes from, and the name, syllable by syllable."""
        super().fill("far")
        self.say(" called ")
        start = len(self.text)
        self.draw(FIRST)
        he = self.draw(MIDDLE_OR_LAST) or self.draw(LAST)
        return Person(self.text[start:], he, *map(_items, STRANGERS_LISTS), cast=False)

    def name_thing(self, options, mask=0):
        """Print the story's thing. Training masks what its people never hold; heldout masks all but what its hero never held."""
        if self.split == "heldout":
            mask = mask | ALL_THINGS & ~HELD_THINGS[self.people["A"].name]
            mask = (
                mask if mask != ALL_THINGS else ALL_THINGS & ~HELD_THINGS[self.people["A"].name]
            )  # some only ever lack big things
        else:
            for person in self.people.values():
                mask |= HELD_THINGS.get(person.name, 0)
        adjective, self.noun = self.draw(options.without(mask))
        _, use, used, self.rest = THINGS[self.noun]
        self.words |= {"T": self.noun, "adj": adjective, "use": use, "used": used}

    def go(self, options, mask=0):
        """Print a place where the story has not been yet; it goes on there."""
        self.place = self.draw(options.without(self.places_used | mask))
        self.places_used |= 1 << list(PLACES).index(self.place)
        self.words |= {"P": "the " + self.place, "at": PLACES[self.place][0] + " the " + self.place}

    def hold(self, role, giver=None):
        """From here on the person of `role` holds the thing (None: nobody does); giver: the role of the person it came from, if any."""
        if role == self.holder and self.events:
            return
        self.events.append((len(self.text), self.people[role].name if role else None, self.people[giver].name if giver else None))
        self.holder = role
        if role:
            self.alias("H", role)
            self.words["rest"] = self.rest.format_map(self.words)

    def alias(self, slot, role):
        for suffix, word in self.people[role].slots.items():
            self.words[slot + suffix] = word
        for suffix in ("_who", "_does", "_cry"):
            self.lists[slot + suffix] = self.lists[role + suffix]

    def someone(self):
        """Print the name of one of the story's people who does not hold the thing, and return the role; Y is theirs."""
        absent = sum(1 << i for i, role in enumerate(ROLES) if role not in self.people or role == self.holder)
        role = self.draw(SOMEONE.without(absent))
        self.alias("Y", role)
        return role

    def number(self, low, high):
        """Print a number word from low to high, and return the number."""
        return self.draw(numbers(low, high))

    def goods(self):
        """Print what was baked, in the plural, and return (plural, singular)."""
        return self.draw(GOODS)

    def fresh(self, options, mask=0):
        """Draw a wording that this story has not told yet and `mask` does not forbid, from a bank with fresh=True; return its meaning."""
        for i, (line, _) in enumerate(options.meanings):
            if line in self.told:
                mask |= 1 << i
        line, meaning = self.draw(options.without(mask))
        self.told.add(line)
        return meaning

    def beat(self):
        """One sentence of what else there was: weather, place, small events."""
        self.fresh(beats(self.weather, self.place))


GOODS = Options("goods", [_named(f"{plural}.", (plural, singular)) for plural, singular in _rows(vw.BAKED)])


@functools.cache
def numbers(low, high):
    return Options("number", [_named(NUMBERS[n], n) for n in range(low, high + 1)])


@functools.cache
def beats(weather, place):
    lines = (
        [f"{line}." for line in WEATHER[weather]] + [f"{line}." for line in (PLACES[place][1] if place else ())] + SMALL_EVENTS
    )
    return bank("beat", "\n".join(lines), fresh=True)


SMALL_EVENTS = [
    "Far away one could hear [sound].",
    "The air smelled of [smell].",
    "In the distance one saw [sight].",
    "Old people spoke of [event].",
    "For no good reason {A} [A_does].",
    'Somebody had chalked on a wall: "[proverb]."',
    "On the ground lay [trifle].",
    "A bell rang, and then thought better of it.",
    "Two children went by, arguing about [event].",
    "Past them hurried [creature].",
    "Somebody was whistling [song].",
    "A neighbour, [chore], waved and went on.",
    'A notice said: "Lost, [trifle]."',
    "Through somebody's window one could see [food] on a plate.",
    "Nobody in the village was quite as [glad] as [creature].",
]
