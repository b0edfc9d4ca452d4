"""data/telling.py: what it refuses, and its arithmetic beside a world so small that all its texts can be listed."""
import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import telling
from data.telling import Listener, NotAStory, NotPrefixFree, Options, Reader, Teller, Voice, next_character, where_it_leaves

# ---- a tiny world: the slots {A} and {B}, a nested list, a masked draw, a loop, wordings that share their first letters

NAMES = ("Mole", "Mouse", "Wren")
DOMAINS = {"A": NAMES, "B": NAMES}
WHO = Options("who", [("Mole", 2, "Mole"), ("Mouse", 1, "Mouse"), ("Wren", 1, "Wren")])
TOYS = Options("toy", [("a kite", 3, 0), ("a kettle", 2, 1), ("an owl", 1, 2)])
TURN = Options("turn", [(" {A} lost [toy].", 3, "on"), (" {B} ate [toy] and [toy].", 2, "on"), (" Later it rained.", 1, "on"),
                        (" Late at night", 2, "end")], DOMAINS, apart=[("A", "B")])
END = 1 << 3


def tale(voice):
    """One story of the tiny world; at most two turns."""
    first = voice.words["A"] = voice.draw(WHO)
    voice.say(" met ")
    voice.words["B"] = voice.draw(WHO.without(1 << NAMES.index(first)))
    voice.say(".")
    voice.turns = 0
    while voice.turns < 2 and voice.draw(TURN.without(0 if voice.turns else END)) == "on":
        voice.turns += 1
    voice.say(" {A} slept.")


def voice_of(dice, careful=False):
    return Voice(dice, {"toy": TOYS}, careful)


def told(dice, careful=False):
    voice = voice_of(dice, careful)
    tale(voice)
    return voice


def read(text):
    voice = told(Reader(text))
    if voice.text != text:
        raise NotAStory(where_it_leaves(text, voice.text))
    return voice


class Fork(Exception):
    pass


class Path:
    """Dice that take given turnings, and raise Fork with the number of options where these end.

    The probability is a product of fractions, from the weights of the entries alone.
    """

    def __init__(self, turnings):
        self.turnings, self.taken, self.probability = turnings, 0, Fraction(1)

    def pick(self, voice, options):
        if self.taken == len(self.turnings):
            raise Fork(len(options))
        index = self.turnings[self.taken]
        self.taken += 1
        self.probability *= Fraction(options.entries[index][1], sum(weight for _, weight, _ in options.entries))
        return index


def everything(turnings=()):
    """Every telling of the tiny world, as (probability, Voice)."""
    path = Path(turnings)
    try:
        voice = told(path)
    except Fork as fork:
        return [found for index in range(fork.args[0]) for found in everything((*turnings, index))]
    return [(path.probability, voice)]


TELLINGS = everything()
TEXTS = {voice.text: probability for probability, voice in TELLINGS}


def test_the_tiny_world_is_what_the_other_tests_take_it_for():
    assert len(TELLINGS) == len(TEXTS) > 300, "two tellings print the same text"
    assert sum(TEXTS.values()) == 1
    by_hand = Fraction(2, 4) * Fraction(1, 2) * Fraction(3, 6) * Fraction(3, 6) * Fraction(2, 8)
    assert TEXTS["Mole met Wren. Mole lost a kite. Late at night Mole slept."] == by_hand
    by_hand = Fraction(1, 4) * Fraction(2, 3) * Fraction(2, 6) * Fraction(2, 6) * Fraction(1, 4) * Fraction(3, 8) * 1
    assert TEXTS["Wren met Mole. Mole ate a kettle and an owl. Wren lost a kite. Wren slept."] == by_hand


def test_nats_are_the_logarithm_of_the_probability_of_the_text():
    assert math.isclose(sum(math.exp(-voice.nats) for _, voice in TELLINGS), 1, rel_tol=1e-12)
    for probability, voice in TELLINGS:
        assert math.isclose(math.exp(-voice.nats), probability, rel_tol=1e-12), voice.text
        assert math.isclose(sum(nats for _, _, nats, _ in voice.spans), voice.nats, rel_tol=1e-12)


def test_spans_are_the_characters_that_were_drawn():
    voice = read("Mole met Wren. Wren ate a kite and an owl. Late at night Mole slept.")
    assert [(voice.text[start:end], name) for start, end, _, name in voice.spans] == [
        ("Mole", "who"), ("Wren", "who"), (" Wren ate ", "turn"), ("a kite", "toy"), ("an owl", "toy"),
        (" Late at night", "turn")]


def test_reading_gives_back_every_draw():
    for _, voice in TELLINGS:
        again = read(voice.text)
        assert vars(again) == vars(voice) | {"dice": again.dice}, voice.text


def test_next_character_is_the_share_of_the_probability_that_goes_there():
    after = {}                               # beginning -> {next character: probability}, from the list of all texts
    for text, probability in TEXTS.items():
        for at in range(len(text) + 1):
            odds = after.setdefault(text[:at], {})
            odds[text[at:at + 1]] = odds.get(text[at:at + 1], 0) + probability
    for beginning, odds in after.items():
        got, total = next_character(tale, beginning, voice_of), sum(odds.values())
        assert got.keys() == odds.keys(), beginning
        assert all(math.isclose(got[c], odds[c] / total, rel_tol=1e-12) for c in odds), (beginning, got, odds)
    assert len(after) > 4000 and next_character(tale, "Mo", voice_of) == {"l": 2 / 3, "u": 1 / 3}


def test_surprises_of_the_characters_are_the_logarithms_of_next_character():
    for text in list(TEXTS)[::7]:
        listener = Listener(text)
        voice = told(listener)
        expected = [-math.log(next_character(tale, text[:at], voice_of)[text[at]]) for at in range(len(text))]
        assert listener.surprises == pytest.approx(expected, abs=1e-12), text
        assert math.isclose(sum(listener.surprises), voice.nats, abs_tol=1e-12)


@pytest.mark.parametrize("spoil", [lambda text, at: text[:at] + "#" + text[at + 1:], lambda text, at: text[:at] + "#" + text[at:],
                                   lambda text, at: text[:at]], ids=["altered", "inserted", "cut off"])
def test_a_spoiled_text_is_refused_at_its_first_wrong_character(spoil):
    for text in list(TEXTS)[::5]:
        for at in range(len(text)):
            with pytest.raises(NotAStory, match=rf"at character {at}\b"):
                read(spoil(text, at))


def test_what_follows_a_whole_story_is_refused():
    for text in list(TEXTS)[::5]:
        with pytest.raises(NotAStory, match=rf"at character {len(text)} expected '', got '!'"):
            read(text + "!")
        with pytest.raises(NotAStory, match=rf"ends at character {len(text)}, but '!' follows"):
            next_character(tale, text + "!", voice_of)


def test_next_character_refuses_a_beginning_that_no_story_has():
    text = "Mole met Wren. Wren ate a kite and an owl. Late at night Mole slept."
    for at in range(len(text)):
        with pytest.raises(NotAStory, match=rf"at character {at}\b"):
            next_character(tale, text[:at] + "#", voice_of)


def test_a_refusal_says_what_was_expected_and_what_came():
    with pytest.raises(NotAStory, match=r"at character 2, after 'Mo', expected one of 2 wordings \('le', 'use'\), got 'ss met W"):
        read("Moss met Wren.")
    with pytest.raises(NotAStory, match="at character 5 expected 'met ', got 'saw Wren.'"):
        read("Mole saw Wren.")


# ---- faults planted into sets of wordings

def options(*heads, domains=None, apart=()):
    return Options("planted", [(head, 1, head) for head in heads], domains, apart)


@pytest.mark.parametrize("heads, says", [
    ([""], "prints nothing"),
    (["", " sang"], "prints nothing"),                     # an optional sentence
    ([" ran", " ran home"], "' ran' is the beginning of ' ran home'"),
    ([" ran", " hopped", " ran"], "' ran' is the beginning of ' ran'"),
    (["b", "a", "c", "aa"], "'a' is the beginning of 'aa'"),
    (["[toy]", " sang"], "prints nothing"),                # all that it prints is another draw's
    ([" found [toy]", " found nothing"], "' found ' is the beginning of ' found nothing'"),
    ([" ate [toy].", " ate [sweet]."], "' ate ' is the beginning of ' ate '"),
    (["{A} sang", "Mole slept"], "may begin alike"),       # {A} may be Mole
    (["{A}", "Moles sang"], "may begin alike"),            # {A} may be the beginning of the literal
    (["{A} sang", "Mo"], "may begin alike"),               # the literal may be the beginning of {A}
    (["{A} sang", "{B} sang"], "may begin alike"),         # nobody said that A and B are two
    (["{A} sang", "{A} sang twice"], "may begin alike"),
    (["{A} met {B}", "{A} met Wren"], "may begin alike"),
    (["{X} sang", "zzz"], "may begin alike"),              # a slot of which nothing is known
    (["{A} sang", "{X} sang"], "may begin alike"),
    (["{A} [toy]", "{A} sang"], "may begin alike"),
], ids=str)
def test_a_planted_fault_is_refused(heads, says):
    with pytest.raises(NotPrefixFree, match="options 'planted': ") as refused:
        options(*heads, domains=DOMAINS)
    assert says in str(refused.value)


def test_wordings_that_can_be_told_apart_are_accepted():
    apart = dict(domains=DOMAINS, apart=[("A", "B")])
    assert len(options("{A} sang", "{B} sang", "Toad sang", "M?", **apart)) == 4
    assert len(options("{A} met {B}", "{A} saw {B}", domains=DOMAINS)) == 2
    assert len(options(" a [toy]", " the [toy]", " an [toy] b")) == 3
    assert len(options("{X} sang", domains=DOMAINS)) == 1, "a wording alone is in nobody's way"


def test_slots_that_are_never_alike_may_still_begin_one_another():
    for values in (["Mole", "Moles"], ["Mole", "Wren", "Wrenna"]):
        with pytest.raises(NotPrefixFree, match="may begin alike"):
            options("{A} sang", "{B} sang", domains={"A": values, "B": values}, apart=[("A", "B")])
    with pytest.raises(NotPrefixFree, match="may begin alike"):
        options("{A} sang", "{B} sang", domains={"A": NAMES}, apart=[("A", "B")])


def test_no_wording_at_all_is_refused():
    with pytest.raises(ValueError, match="options 'planted': expected at least one wording, got none"):
        options()
    with pytest.raises(ValueError, match="options 'who': expected at least one wording, got none"):
        WHO.without(0b111)


def test_a_list_with_a_shared_beginning_is_refused():
    with pytest.raises(NotPrefixFree, match="options 'sea': 'a sea' is the beginning of 'a seal'"):
        telling.word_list("sea", ["a seal", "a ship", "a sea"])


ATOMS = st.sampled_from(["a", "b", "{A}", "{B}", "{C}"])
HEADS = st.lists(st.lists(ATOMS, min_size=1, max_size=3).map("".join), min_size=1, max_size=4)
VALUES = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3, unique=True)


@settings(derandomize=True, deadline=None, max_examples=600)
@given(HEADS, st.fixed_dictionaries(dict.fromkeys("ABC", VALUES)), st.sampled_from([[], [("A", "B")], [("A", "B", "C")]]))
def test_what_is_accepted_is_prefix_free_for_every_filling(heads, domains, apart):
    try:
        accepted = options(*heads, domains=domains, apart=apart)
    except NotPrefixFree:
        return
    for values in itertools.product(*domains.values()):
        words = dict(zip(domains, values))
        if any(len({words[slot] for slot in group}) < len(group) for group in apart):
            continue
        filled = [head.format_map(words) for head in accepted.heads]
        assert not any(i != j and b.startswith(a) for i, a in enumerate(filled) for j, b in enumerate(filled)), filled


@settings(derandomize=True, deadline=None, max_examples=500)
@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5))
def test_without_slots_exactly_the_prefix_free_sets_are_accepted(heads):
    prefix_free = all(heads) and not any(i != j and b.startswith(a) for i, a in enumerate(heads) for j, b in enumerate(heads))
    try:
        options(*heads)
        accepted = True
    except NotPrefixFree:
        accepted = False
    assert accepted == prefix_free


@pytest.mark.parametrize("words", [{"A": "Mole", "B": "Mole"}, {"A": "Mole", "B": "Moles"}, {"A": "", "B": "Wren"}], ids=str)
def test_careful_checks_each_draw_anew(words):
    promised = options("{A}", "{B}", domains=DOMAINS, apart=[("A", "B")])          # a promise that the words then break
    trusting, careful = (Voice(Teller(0), {}, careful=careful) for careful in (False, True))
    trusting.words, careful.words = words, words
    assert trusting.draw(promised)
    with pytest.raises(NotPrefixFree, match="options 'planted'"):
        careful.draw(promised)
    assert not careful.text and not careful.spans, "nothing is printed by a draw that is refused"


def test_careful_tells_the_same():
    for seed in range(300):
        plain, careful = told(Teller(seed)), told(Teller(seed), careful=True)
        assert (plain.text, plain.spans) == (careful.text, careful.spans) and plain.text in TEXTS


# ---- masks, lists and dice

def test_without_renormalises():
    rest = WHO.without(0b001)
    assert rest.heads == ["Mouse", "Wren"] and rest.meanings == ["Mouse", "Wren"] and rest.total == 2
    assert [math.exp(-nats) for nats in rest.nats] == pytest.approx([0.5, 0.5])
    rest = TOYS.without(0b010)
    assert rest.heads == ["a kite", "an owl"] and rest.cumulative == [3, 4]
    assert [math.exp(-nats) for nats in rest.nats] == pytest.approx([0.75, 0.25])
    assert WHO.without(0) is WHO and WHO.without(0b001) is WHO.without(0b001), "the same part is built once"
    assert [math.exp(-nats) for nats in WHO.nats] == pytest.approx([0.5, 0.25, 0.25]), "and the whole stays as it was"


def test_a_list_is_used_up_before_it_repeats():
    voice = voice_of(Teller(1))
    for _ in range(5):
        drawn = []
        for _ in TOYS.entries:
            voice.fill("toy")
            drawn.append(voice.words["toy"])
        assert sorted(drawn) == sorted(TOYS.heads)
    assert voice.text.count("a kite") == 5


def test_earlier_words_of_a_list_are_likelier():
    words = telling.word_list("letters", "abcdefgh")
    weights = [weight for _, weight, _ in words.entries]
    assert weights == sorted(weights, reverse=True) and weights[0] > weights[-1] > 0
    assert words.meanings == list(range(8))
    assert telling.word_list("long", [f"{i:03}" for i in range(500)]).entries[-1][1] == 1, "even the last can be drawn"


def test_a_teller_draws_by_weight():
    teller, counts, draws = Teller(3), [0, 0, 0], 20_000
    for _ in range(draws):
        counts[teller.pick(None, TOYS)] += 1
    for count, share in zip(counts, (3 / 6, 2 / 6, 1 / 6)):
        assert abs(count - draws * share) < 4 * math.sqrt(draws * share * (1 - share)), counts


def test_the_same_seed_tells_the_same():
    assert [told(Teller(seed)).text for seed in range(50)] == [told(Teller(seed)).text for seed in range(50)]
    assert len({told(Teller(seed)).text for seed in range(50)}) > 30
