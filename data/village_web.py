"""A made-up web of the village: HTML pages with known faults, so that a filter's precision and recall can be measured.

    pages(1000)     1,000 Pages, the same for everyone: the bytes as a crawler gets them, the article as it should come out, every fault by name
    pairs(300)      300 stories, each with a near-copy and their similarity, for experiments

Every address is made up, and nobody can have it: example.com and its kin, numbers with 555-01 and those that the British, French and
German authorities keep for films, IPs from the blocks for documentation (RFC 5737).
"""
import dataclasses
import html
import random
import re
import unicodedata

from data import village

NGRAMS = 5                                      # `similarity` is the Jaccard similarity of sets of 5-word runs
QUESTIONS = 60                                  # how many of each benchmark may have leaked: village.benchmark(kind, QUESTIONS)


@dataclasses.dataclass(frozen=True)
class Page:
    """One page, with all that is known about it.

    html: the bytes. site: who serves it. text: the article as it should come out, a paragraph a line, Unicode mended, personal data still
    in it. boilerplate: the site's own lines that stay when only tags are removed. kind: story, notice, list, spam or foreign.
    faults: of "boilerplate", "mojibake", "near-copy", "exact-copy", "spam", "foreign", "emails", "phones", "ips", "leak". copy_of: the
    name of the page it was copied from, similarity: how much of it is left. leaks: (benchmark, number, "verbatim", "half" or "reworded").
    emails, phones, ips: what was planted. language: ISO 639-1 code of most of the article. spam: which sort.
    """
    name: str
    site: str
    html: bytes
    text: str
    kind: str
    boilerplate: tuple = ()
    faults: frozenset = frozenset()
    copy_of: str = ""
    similarity: float = 0.0
    leaks: tuple = ()
    emails: tuple = ()
    phones: tuple = ()
    ips: tuple = ()
    language: str = "en"
    spam: str = ""


# ---- near-copies

def shingles(text, n=NGRAMS):
    """The set of runs of n words of a text, in lower case and without marks and accents; a shorter text is a single run."""
    text = text.lower()
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = re.findall(r"\w+", text)
    return set(zip(*(words[k:] for k in range(n)))) if len(words) >= n else {tuple(words)} - {()}


def similarity(one, other, n=NGRAMS):
    """Jaccard similarity of two texts: shared runs of n words / all runs of n words; 0.0 where neither has any."""
    a, b = shingles(one, n), shingles(other, n)
    return len(a & b) / len(a | b) if a | b else 0.0


_SWAPS = ("small", "old", "green", "quiet", "grey", "little", "kind", "wet", "early", "plain", "second", "clever", "wide", "warm", "tall")
_ASIDES = ("So I was told.", "Nobody can say why.", "My aunt says it was a Tuesday.", "That is the short version.", "You know how it goes.")


def near_copy(text, target, dice):
    """`text` (lines of words) edited by swaps, asides and a cut end until its similarity is about `target`, from 0.4 to 1.0."""
    lines = [line.split(" ") for line in text.split("\n")]
    ours, best = shingles(text), (1 - target, text)

    def told():
        return "\n".join(" ".join(words) for words in lines)

    for _ in range(400):
        before = [words[:] for words in lines]
        words = max(lines, key=len) if dice.random() < 0.7 else dice.choice(lines)
        act, at = dice.random(), dice.randrange(len(words))
        if act < 0.55:
            end = re.search(r"\W*$", words[at])[0]
            words[at] = dice.choice(_SWAPS) + end
        elif act < 0.65:
            words += dice.choice(_ASIDES).split(" ")
        elif len(words) > 12:                       # the end of a paragraph falls off, a word or three at a time
            del words[-dice.choice((1, 1, 2, 3)):]
        other = shingles(told())
        now = len(ours & other) / len(ours | other)
        if now < target - 0.004:
            lines = before                          # too far: take this edit back and try a smaller one
        elif now - target < best[0]:
            best = (now - target, told())
            if best[0] < 0.004:
                break
    return best[1]


def pairs(count, seed=0, low=0.4, high=1.0):
    """`count` triples (story, near-copy, exact similarity), with similarities spread evenly from `low` to `high`, in random order.

    Each pair has a story of its own (two of the village's, told one after the other). Raises ValueError for an empty or impossible range.
    """
    if count < 1 or not 0.4 <= low <= high <= 1:
        raise ValueError(f"expected count >= 1 and 0.4 <= low <= high <= 1, got count {count}, low {low}, high {high}")
    dice, made = random.Random(f"pairs {seed}"), []
    for k in range(count):
        story = "\n".join(village.corpus(2, start=500_000 + 2 * (k + count * seed)))
        copy = near_copy(story, low + (high - low) * (k + 0.5) / count, dice)
        made.append((story, copy, similarity(story, copy)))
    dice.shuffle(made)
    return made


# ---- the sites

@dataclasses.dataclass(frozen=True)
class Site:
    """Who serves a page, and in which dress: semantic tags (nav, footer) or plain divs; typographic quotes or straight ones; encoding."""
    host: str
    title: str
    menu: tuple
    foot: tuple
    semantic: bool
    curly: bool = False
    encoding: str = "utf-8"
    declared: str = "utf-8"
    sloppy: bool = False                            # leaves paragraphs and list items open


_COOKIES = "This site keeps cookies in a tin. By reading on you agree to the tin."
_LEGAL = (
    "All stories on these pages belong to those who tell them, and may be told again at any fireside, on any bench and in any boat, "
    "provided that nothing is added about the teller's family and that the ending is left as it was found.",
    "The editors have checked every page with the greatest care, and accept no blame for floods, lost kites, cold soup, quarrels between "
    "neighbours or any other thing that somebody may have done after having read it here or having heard it from a person who had.",
    "Letters to the editors are read aloud on Fridays in the bakery. A letter without a name is used to light the oven, and a letter "
    "with more than one name is answered to the first. Please do not send jam by post.")

SITES = (
    Site("gazette.example.com", "The Millpond Gazette", ("Front page", "Weather", "Lost and found", "Births and weddings"),
         ("Printed every Friday behind the mill", "Tell a friend about the Gazette"), True, curly=True),
    Site("tales.example.org", "Tales from the Ferry", ("Home", "All tales", "About the ferry"), ("The ferry takes no dogs on Sundays",),
         True),
    Site("hearth.example.net", "By the Hearth", ("Start here", "Newest", "Most loved", "Recipes", "Guest book"),
         (_COOKIES, "By the Hearth is made by three people and a cat"), False, curly=True, sloppy=True),
    Site("notices.example.com", "Village Notice Board", ("Pin a notice", "Today", "This week", "Archive", "Rules of the board"),
         (_COOKIES, *_LEGAL), False),
    Site("oldpages.example.org", "Grandmother's Old Pages", ("Index", "Links", "Sign my guest book"),
         ("Best seen with a window open", "You are visitor number one thousand and four"), False, curly=True, encoding="cp1252",
         declared="iso-8859-1"),
    Site("harbour.example.net", "Harbour Log", ("Log", "Tides", "Boats for hire", "Crew"), ("The harbour is closed in fog", _COOKIES),
         False, curly=True, encoding="cp1252", declared=""),
    Site("school.example.org", "Village School", ("Classes", "Lunch", "Reading hour", "Holidays"), ("Children, wipe your feet",), True,
         sloppy=True),
    Site("market.example.com", "Market Square", ("Stalls", "Prices", "Find us", "Basket", "Your account"),
         (_COOKIES, "Prices may contain nuts"), False),
)
_SPAM_SITES = (
    Site("best-kites.example.net", "Best Kites Best Price", ("Buy", "Buy now", "Buy more"), ("Free shipping to all villages",), False),
    Site("jam-deals.example.com", "Jam Deals Daily", ("Deals", "More deals"), ("You have won a spoon",), False, curly=True),
)
_ENTITIES = {"“": "&ldquo;", "”": "&#8221;", "’": "&rsquo;", "é": "&eacute;", "—": "&#x2014;", "½": "&frac12;"}


def _curled(text):
    """Straight quotes made typographic, as a word processor does."""
    text = re.sub(r'(^|[\s(])"', r"\1“", text, flags=re.M)
    return text.replace('"', "”").replace("'", "’")


def _markup(text, dice):
    """A line as HTML: what must be escaped is escaped, some letters are entities, and here and there something is set in italics."""
    text = html.escape(text, quote=dice.random() < 0.5)
    if dice.random() < 0.4:
        text = "".join(_ENTITIES.get(c, c) if dice.random() < 0.5 else c for c in text)
    words = text.split(" ")
    if len(words) > 8 and dice.random() < 0.5:
        at = dice.randrange(len(words) - 3)
        words[at:at + 2] = [f"<em>{words[at]}", f"<b>{words[at + 1]}</b></em>"]
    if len(words) > 8 and dice.random() < 0.3:
        at = dice.randrange(1, len(words) - 2)
        words[at:at + 2] = [f"{words[at]}\n   {words[at + 1]}"]        # a line end inside a paragraph is a space
    return " ".join(words)


def _html(site, heading, lines, dice, bulleted=False):
    """(the page as text, the site's own lines that tags alone don't mark as such)."""
    menu, foot = list(site.menu), list(site.foot)
    items = "".join(f'<li><a href="/{k}?a=1&amp;b=2">{html.escape(entry)}</a>{"" if site.sloppy else "</li>"}' for k,
                    entry in enumerate(menu))
    below = "".join(f"<p>{html.escape(line)}{'' if site.sloppy else '</p>'}" for line in foot)
    above = f"<nav><ul>{items}</ul></nav>" if site.semantic else f'<div class="menu"><div>{items}</div></div>'
    below = f"<footer>{below}</footer>" if site.semantic else f'<div class="foot">{below}</div>'
    close = "" if site.sloppy else "</p>"
    if bulleted:
        body = "<ul>" + "".join(f"<li>{_markup(line, dice)}</li>" for line in lines) + "</ul>"
    else:
        body = "\n".join(f"<p>{_markup(line, dice)}{close}" for line in lines)
    meta = f'<meta charset="{site.declared}">' if site.declared else ""
    script = '<script>if (1 < 2 && "</p>") { document.write("<p>This is no text.</p>"); }</script>'
    hidden = '<div style="display: none">kites cheap kites free kites</div>' if dice.random() < 0.2 else ""
    page = (f"<!DOCTYPE html>\n<html><head>{meta}<title>{html.escape(heading)} | {html.escape(site.title)}</title>"
            f"<style>p {{ margin: 0 }}</style>{script}</head>\n<body>{above}\n<!-- <p>a comment</p> -->{hidden}"
            f'<div id="main"><article><h1>{_markup(heading, dice)}</h1>\n{body}\n</article></div>\n{below}</body></html>\n')
    return page, () if site.semantic else (*(f"• {entry}" for entry in menu), *foot)


# ---- what stands on the pages

_PLACES = ("the mill", "the ferry", "the harbour", "the bakery", "the chapel", "the school", "the pump", "the lighthouse")
_WARES = ("kites", "lanterns", "teapots", "radishes", "boots", "flutes", "candles", "spoons", "honey jars", "ropes", "buttons", "eel traps")
_ACCENTS = ("The café by the pump serves crème and gâteaux until ten.",
            "Noël brought the piñata; it was, he said, a naïve idea — but a good one.",
            "Half price (½!) for anybody called Zoë, Chloë or Jürgen.", "A fête, a soirée, a matinée — and all before Sunday.",
            'He calls the bench "his \'café\'" and means it.', 'On the door stands "AMANHÃ" in white paint, and «CAFÉ» below it.')


def _notice(dice):
    """A short notice: honest text of 20 to 45 words, often too short for rules made for articles."""
    place, ware, hour = dice.choice(_PLACES), dice.choice(_WARES), dice.choice(("seven", "eight", "nine", "ten"))
    day = dice.choice(("Monday", "Tuesday", "Thursday", "Saturday"))
    openings = (f"The keeper of {place} has found a bag of {ware} and would like to be rid of it.",
                f"On {day} at {hour} there will be a swap of {ware} at {place}.",
                f"Whoever took the {ware} from {place} is asked to bring them back, and nobody will say a word.",
                f"Singing practice moves to {place} on {day}, since the hall is full of {ware}.")
    closings = (f"Come before {hour} and bring a chair.", "Children pay nothing, and dogs pay double.",
                f"Ask for {dice.choice(('Nell', 'Owl', 'Badger', 'Tam'))} at the door.", "If it rains we shall do it all the same.")
    return [dice.choice(openings), " ".join(dice.sample(closings, 2))]


def _recipe(dice):
    """A list that people would want to keep, in a form that rules against lists dislike."""
    things = dice.sample(("flour", "butter", "honey", "eggs", "oats", "plums", "mint", "salt", "barley", "milk", "nettles", "cream",
                          "seeds"), 9)
    return [f"{dice.randint(1, 9)} {dice.choice(('cups', 'spoons', 'ounces', 'handfuls'))} of {thing}" for thing in things] + [
        "Stir until the spoon stands", "Leave it with the cat out of the room", "Bake and be patient"]


_SPAM_WORDS = ("cheap", "kites", "kite", "sale", "best", "buy", "price", "lanterns", "discount", "online", "free", "deal", "boots",
               "teapots")


def _spam(sort, dice):
    """The lines of a page of spam of one of the SPAM_SORTS."""
    word = lambda: dice.choice(_SPAM_WORDS)
    ware, other = dice.sample(_WARES, 2)

    def mixed(strange, plain, words, lines):
        """Lines in which half of the words are strange, the others plain."""
        return [" ".join(strange() if dice.random() < 0.55 else dice.choice(plain) for _ in range(words)) for _ in range(lines)]

    if sort == "keywords":
        return [" ".join(word() for _ in range(dice.randint(25, 60))) for _ in range(3)]
    if sort == "hashtags":
        return mixed(lambda: f"#{word()}", ("the", "of", "we", "have", "with", "to", ware), 30, 4)
    if sort == "numbers":
        return mixed(lambda: f"{dice.randint(1, 99)}.{dice.randint(10, 99)}", (ware, other, "of", "the", "with"), 24, 5)
    if sort == "addresses":
        return mixed(lambda: f"https://{word()}-{word()}.example.com/{dice.randint(1000, 9999)}", ("get", "the", "and", "of", ware), 20, 4)
    if sort == "teasers":
        names, hooks = ("Nell", "Owl", "Toad", "Fox", "Tam", "Wren"), ("You will not believe", "Nobody expected", "Here is the truth about")
        return [f"{dice.choice(hooks)} what {name} did with {dice.choice(_WARES)} and the {dice.choice(_WARES)} of a friend ..."
                for name in dice.sample(names, 6)]
    if sort == "links":
        calls = ("Buy", "More about", "Top ten", "Find", "Compare")
        return [f"{dice.choice(calls)} {dice.choice(_WARES)} and {dice.choice(_WARES)} of the day" for _ in range(16)]
    return [f"If you have ever looked for {ware} of the best kind, then you know how hard it is to find {ware} that last. That is why our "
            f"{ware} are made by the people who know {ware} best, and that is why you will want to have our {ware} in your home.",
            f"We have {ware} for the young and {ware} for the old, and with every order of {ware} you are going to get {other} that go with "
            f"them. Do not wait until the {ware} are gone. Order your {ware} today, and tell all your friends to order {ware} with you."]


SPAM_SORTS = ("keywords", "hashtags", "teasers", "numbers", "addresses", "links", "fluent")

FOREIGN = {
    "de": ("Der Müller hat am Morgen einen alten Drachen im Mehl gefunden.", "Niemand wusste, wem er gehörte, und alle wollten ihn haben.",
           "Die Bäckerin schlug vor, ihn über der Tür aufzuhängen.", "Am Abend regnete es so stark, dass die Brücke gesperrt wurde.",
           "Der Lehrer erzählte den Kindern eine Geschichte, die er selbst nicht glaubte.",
           "Nach dem Essen gingen sie noch einmal zum Hafen hinunter.",
           "Wer zuletzt lacht, muss das Geschirr spülen, sagte die Großmutter.",
           "Das Boot lag am nächsten Tag auf der anderen Seite des Flusses."),
    "fr": ("Le meunier a trouvé ce matin un vieux cerf-volant dans la farine.",
           "Personne ne savait à qui il était, et tout le monde le voulait.",
           "La boulangère proposa de l'accrocher au-dessus de la porte.", "Le soir, il pleuvait si fort que le pont fut fermé.",
           "Le maître raconta aux enfants une histoire à laquelle il ne croyait pas lui-même.",
           "Après le repas, ils sont redescendus jusqu'au port.",
           "Rira bien qui fera la vaisselle, disait la grand-mère.", "Le lendemain, le bateau se trouvait de l'autre côté de la rivière."),
    "es": ("El molinero encontró por la mañana una vieja cometa entre la harina.",
           "Nadie sabía de quién era, y todos querían quedarse con ella.",
           "La panadera propuso colgarla encima de la puerta.", "Por la noche llovía tanto que cerraron el puente.",
           "El maestro contó a los niños una historia que ni él mismo creía.", "Después de comer bajaron otra vez hasta el puerto.",
           "Quien ríe el último friega los platos, decía la abuela.", "Al día siguiente la barca estaba al otro lado del río."),
    "it": ("Stamattina il mugnaio ha trovato un vecchio aquilone nella farina.", "Nessuno sapeva di chi fosse, e tutti lo volevano.",
           "La fornaia propose di appenderlo sopra la porta.", "La sera pioveva così forte che chiusero il ponte.",
           "Il maestro raccontò ai bambini una storia alla quale non credeva neppure lui.",
           "Dopo pranzo scesero ancora una volta fino al porto.",
           "Ride bene chi lava i piatti, diceva la nonna.", "Il giorno dopo la barca era dall'altra parte del fiume."),
    "nl": ("De molenaar heeft vanmorgen een oude vlieger in het meel gevonden.",
           "Niemand wist van wie hij was, en iedereen wilde hem hebben.",
           "De bakkersvrouw stelde voor om hem boven de deur te hangen.", "In de avond regende het zo hard dat de brug werd afgesloten.",
           "De meester vertelde de kinderen een verhaal dat hij zelf niet geloofde.", "Na het eten liepen ze nog een keer naar de haven.",
           "Wie het laatst lacht, doet de afwas, zei grootmoeder.", "De volgende dag lag de boot aan de andere kant van de rivier."),
    "pl": ("Młynarz znalazł rano stary latawiec w mące.", "Nikt nie wiedział, do kogo należy, a wszyscy chcieli go mieć.",
           "Piekarka zaproponowała, żeby powiesić go nad drzwiami.", "Wieczorem padało tak mocno, że zamknięto most.",
           "Nauczyciel opowiedział dzieciom historię, w którą sam nie wierzył.", "Po obiedzie jeszcze raz poszli do portu.",
           "Kto się śmieje ostatni, ten zmywa naczynia, mówiła babcia.", "Następnego dnia łódka leżała po drugiej stronie rzeki."),
    "el": ("Ο μυλωνάς βρήκε το πρωί έναν παλιό χαρταετό μέσα στο αλεύρι.", "Κανείς δεν ήξερε ποιανού ήταν, και όλοι τον ήθελαν.",
           "Η φουρνάρισσα πρότεινε να τον κρεμάσουν πάνω από την πόρτα.", "Το βράδυ έβρεχε τόσο πολύ που έκλεισαν τη γέφυρα.",
           "Ο δάσκαλος είπε στα παιδιά μια ιστορία που δεν πίστευε ούτε ο ίδιος.", "Μετά το φαγητό κατέβηκαν πάλι ως το λιμάνι."),
    "ru": ("Мельник нашёл утром старого воздушного змея в муке.", "Никто не знал, чей он, и все хотели его забрать.",
           "Пекарша предложила повесить его над дверью.", "Вечером шёл такой сильный дождь, что мост закрыли.",
           "Учитель рассказал детям историю, в которую сам не верил.", "После обеда они ещё раз спустились к пристани."),
}
_FOREIGN_ENCODINGS = {"el": "iso-8859-7", "ru": "windows-1251", "pl": "iso-8859-2"}


def _email(dice):
    name = dice.choice(("wren", "owl", "nell.fletcher", "badger_mends", "tam+news", "zoe-1987", "Toad.of.the.Pump"))
    host = dice.choice(("example.com", "mail.example.org", "village.example.net", "EXAMPLE.COM"))
    return f"{name} (at) {host.replace('.', ' (dot) ')}" if dice.random() < 0.12 else f"{name}@{host}"


def _phone(dice):
    last, film = f"01{dice.randint(0, 99):02}", dice.randint(0, 999)
    area = dice.choice(("212", "303", "415", "617", "808"))
    return dice.choice((f"({area}) 555-{last}", f"{area}-555-{last}", f"{area}.555.{last}", f"{area} 555 {last}", f"+1 {area} 555 {last}",
                        f"1-{area}-555-{last}",
                        f"{area}555{last}", f"({area})-555-{last}", f"555-{last}", f"020 7946 0{film:03}", f"+44 20 7946 0{film:03}",
                        f"(01632) 960{film:03}",
                        f"07700 900{film:03}", f"+44 (0)1632 960 {film:03}", f"01 99 00 {film % 90 + 10} {last[2:]}",
                        f"+49 30 23125 {film:03}", f"030/23125 {film:03}"))


def _ip(dice):
    return f"{dice.choice(('192.0.2', '198.51.100', '203.0.113'))}.{dice.randint(1, 254)}"


_DECOYS = ("A sack costs 1,250.00 before and 1,100.50 after the harvest.", "See pages 112-119 of the almanac, ISBN 978-0-306-40615-7.",
           "From 12.03.1994 to 2001-09-14 the bridge was closed.", "The log runs on version 2.4.1 and wakes at 06:15:30.",
           "Order 20240117 weighs 12.5 stone.", "Meet @miller at the pump @ noon; the code is 4711.",
           "The clock runs on firmware 4.2.0.1 these days.",
           "The ticket numbers are 301-4455 and 301-4467.")


# ---- the web

def _half(question, dice):
    words = question.split(" ")
    return " ".join(words[:len(words) // 2])


def _reworded(question, dice):
    words = question.split(" ")
    for at in range(dice.randint(2, 5), len(words), 7):
        words[at] = dice.choice(_SWAPS)
    return " ".join(words)


class _Web:
    """The pages in the making."""

    def __init__(self, seed):
        self.dice, self.pages, self.stories = random.Random(f"village web {seed}"), [], 900_000 + 20_000 * seed

    def article(self, paragraphs=2):
        """A heading and paragraphs from stories that no other page has."""
        told = village.corpus(paragraphs, start=self.stories)
        self.stories += paragraphs
        number = self.stories
        what = self.dice.choice(("A tale", "News", "A letter", "What happened", "Heard"))
        heading = f"{what} from {self.dice.choice(_PLACES)}, number {number % 20_000}"
        return [heading, *told]

    def add(self, lines, kind, faults=(), site=None, language="en", spoil=False, **known):
        """Render one page. lines: the heading, then paragraphs. spoil: write it as mojibake."""
        dice, site = self.dice, site or self.dice.choice(SITES)
        if spoil:
            site = next(s for s in (site, *SITES) if s.encoding == "utf-8" and s.curly)
        if site.curly and "copy_of" not in known:
            lines = [_curled(line) for line in lines]
        if language in _FOREIGN_ENCODINGS and dice.random() < 0.5:
            site = dataclasses.replace(site, encoding=_FOREIGN_ENCODINGS[language], declared=_FOREIGN_ENCODINGS[language])
        bulleted = kind == "list" or known.get("spam") == "links"
        page, boilerplate = _html(site, lines[0], lines[1:], dice, bulleted)
        raw = page.encode(site.encoding, "xmlcharrefreplace")
        if spoil:
            raw = _spoiled(page, dice.random() < 0.3).encode("utf-8")
        text = "\n".join([lines[0], *(f"• {line}" if bulleted else line for line in lines[1:])])
        faults = set(faults) | ({"boilerplate"} if boilerplate else set()) | ({"mojibake"} if spoil else set())
        self.pages.append(Page(f"{len(self.pages):05}", site.host, raw, text, kind, boilerplate, frozenset(faults), language=language,
                               **known))
        return self.pages[-1]


def _spoiled(page, lossy):
    """UTF-8 read as Windows-1252, the classic accident. Bytes that this table lacks become control characters, as in browsers, or are lost."""
    letters = [bytes([byte]).decode("cp1252", "replace") for byte in page.encode("utf-8")]
    return "".join(chr(byte) if letter == "\ufffd" and not lossy else letter for byte, letter in zip(page.encode("utf-8"), letters))


def _personal(web, share):
    """(paragraphs, faults, what was planted) with made-up personal data, for a share of the pages; decoys for another share."""
    dice, lines, planted = web.dice, [], {}
    if dice.random() < share:
        planted["emails"] = tuple(_email(dice) for _ in range(dice.randint(1, 2)))
        lines.append(f"Write to {' or '.join(planted['emails'])}.")
    if dice.random() < share:
        planted["phones"] = tuple(_phone(dice) for _ in range(dice.randint(1, 2)))
        lines.append(f"Ring {', or '.join(planted['phones'])}, and let it ring.")
    if dice.random() < share / 2:
        planted["ips"] = (_ip(dice),)
        lines.append(f"The weather cock answers at {planted['ips'][0]}.")
    if dice.random() < share:
        lines.append(dice.choice(_DECOYS))
    if dice.random() < share / 2:
        lines.append(dice.choice(_ACCENTS))
    return lines, set(planted), planted


def pages(count=1000, seed=0):
    """`count` pages of the made-up web, in random order; the same for everyone. Raises ValueError for fewer than 100.

    Of a hundred, 38 are honest stories, 14 notices and 4 recipes; 16 are near-copies of a story (evenly from similarity 0.4 to 1.0) and
    4 exact copies; 10 are spam, 8 foreign, and 6 have leaked benchmark questions on them. A tenth of the stories is mojibake.
    """
    if count < 100:
        raise ValueError(f"count: expected at least 100, so that every fault occurs, got {count}")
    web, share = _Web(seed), {name: round(count * part) for name, part in (
        ("near", 0.16), ("exact", 0.04), ("spam", 0.10), ("foreign", 0.08), ("leak", 0.06), ("notice", 0.14), ("list", 0.04))}
    dice, originals = web.dice, []
    for k in range(count - sum(share.values())):
        lines, (more, faults, planted) = web.article(), _personal(web, 0.12)
        spoil = k % 10 == 0
        page = web.add(lines + more + ([_ACCENTS[k // 10 % len(_ACCENTS)]] if spoil else []), "story", faults, spoil=spoil, **planted)
        if not planted and not spoil:
            originals.append(page)
    dice.shuffle(originals)
    for k in range(share["near"]):                      # each has an original of its own where there are enough
        original = originals[k % len(originals)]
        copy = near_copy(original.text, 0.4 + 0.6 * (k + 0.5) / share["near"], dice)
        web.add(copy.split("\n"), "story", {"near-copy"}, copy_of=original.name, similarity=similarity(original.text, copy))
    for k in range(share["exact"]):
        original = originals[-1 - k // 3 % len(originals)]
        web.add(original.text.split("\n"), "story", {"exact-copy"}, copy_of=original.name, similarity=1.0)
    for k in range(share["spam"]):
        sort = SPAM_SORTS[k % len(SPAM_SORTS)]
        web.add([f"Best {dice.choice(_WARES)} number {k}", *_spam(sort, dice)], "spam", {"spam"}, site=dice.choice(_SPAM_SITES), spam=sort)
    for k in range(share["foreign"]):
        language = list(FOREIGN)[k % len(FOREIGN)]
        told = dice.sample(FOREIGN[language], 5)
        web.add([f"{told[0].split(' ')[1]} {k}", *told], "foreign", {"foreign"}, language=language)
    questions = [(kind, n, q) for kind in village.BENCHMARKS for n, q in enumerate(village.benchmark(kind, QUESTIONS))]
    for k, (kind, n, q) in enumerate(dice.sample(questions, min(share["leak"], len(questions)))):
        how = ("verbatim", "verbatim", "half", "reworded")[k % 4]
        told = {"verbatim": lambda text, _: text, "half": _half, "reworded": _reworded}[how](q.text, dice)
        lines = web.article(1)
        web.add([*lines, told, f"{q.question} {q.answer}"], "story", {"leak"}, leaks=((kind, n, how),))
    for _ in range(share["notice"]):
        more, faults, planted = _personal(web, 0.35)
        web.add([f"Notice {len(web.pages)}", *_notice(dice), *more], "notice", faults, **planted)
    for _ in range(share["list"]):
        web.add([f"Recipe {len(web.pages)}", *_recipe(dice)], "list")
    dice.shuffle(web.pages)
    renamed = {page.name: f"{n:05}" for n, page in enumerate(web.pages)}        # the order of the names tells nothing
    return [dataclasses.replace(page, name=renamed[page.name], copy_of=renamed.get(page.copy_of, "")) for page in web.pages]
