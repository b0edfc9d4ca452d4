"""The village's ten kinds of story, each a short function of a Voice: what can happen, in which order, and in which words.

A bank lists the wordings of one draw, a line each: `wording [=> meaning] [*weight]`, with `~` where no space comes before it. A pronoun
always means the person named last who can be meant by it. What a story leaves to chance is drawn when it is told, never before.
"""
from data.telling import Options
from data.village_voice import NUMBERS, WEATHER, bank

OPENING = Options("opening", [(f"One {weather} [daypart], ", 4, weather) for weather in WEATHER] + [(line + ", ", 1, weather) for line, weather in {
    "On market day": "mild", "The day before the fair": "hot", "In the week when the plums were ripe": "hot", "Long before breakfast": "foggy",
    "Three days after the flood": "rainy", "On the longest day of the year": "hot", "When the geese had gone south": "frosty",
    "An hour after the last train": "quiet", "On the eve of the wedding": "mild", "In the year of the giant marrow": "hot",
    "While everyone else was at church": "quiet", "On the last day of the holidays": "windy", "As the lamps were being lit": "foggy",
    "Between two showers": "rainy", "At the end of a long winter": "snowy"}.items()])

HEADS = """
could not find {A_his} [T]. => lost *3
had lost {A_his} [T]. => lost *2
woke up and missed {A_his} [T]. => lost *2
had to bring [aT] to [B] [atP]. => journey *3
promised to carry [aT] to [B] [atP]. => journey *2
was sent with [aT] to [B], who waited [atP]. => journey *2
put {A_his} [sT] [hideaway] and went to [errand]. => hide *5
hid {A_his} [sT] [hideaway] and left to [errand]. => hide *4
baked => bake *5
would have given anything for [trade]. => trade *4
dreamed three nights running of [trade]. => trade *3
saw the sky turn black behind the church and ran [toP] with {A_his} [T]. => storm *3
took {A_his} [T] and ran [toP], for a storm was coming. => storm *3
and [B] => quarrel *7
had made [aT] for the birthday of [B]. => gift *4
bought [aT] for the birthday of [B]. => gift *3
lent {A_his} [T] to [B], who wanted to => lend *7
went [toP] for the contest in [contest]. => contest *7
"""
HEAD = bank("plot", HEADS)
BAKE = 1 << HEAD.meanings.index("bake")
HEAD_OR_WHO = bank("plot", HEADS + "~, who [A_who], => who *40")


ROOM = 650               # characters told, after which a story takes no new turn


def story(v):
    """One story, told by the Voice `v` from the first word to the last."""
    v.weather = v.draw(OPENING)
    v.meet("A")
    no_thing = BAKE if v.split == "heldout" else 0           # a heldout story turns on a person and a thing
    v.plot = v.draw((HEAD_OR_WHO if v.people["A"].cast or v.guest else HEAD).without(no_thing))
    if v.plot == "who":
        v.plot = v.draw(HEAD.without(no_thing))
    PLOTS[v.plot](v)


# ---- what every plot ends with

AFTER = """
Before supper {H} gave the {T} to
It was time to share, and {H} handed the {T} to
The next morning {H} carried the {T} over to
{H} caught a cold and sent the {T} across the lane to
On Sunday {H} lost a game of draughts, and with it the {T}, to
{H} owed a favour, and paid it by giving the {T} to
Nobody can hold a {T} and [food] at once, so {H} passed the {T} to
{H} thought about it overnight and made a present of the {T} to
In exchange for [food], {H} let the {T} go to
Because [reason], {H} left the {T} with
When {H} dozed off, the {T} was gently taken away by
While {H} was [chore], the {T} was borrowed by
"""
AFTER_TAIL = bank("after tail", """
~. *3
~, and {Y} [Y_does].
~, who had asked for nothing.
~, and nobody minded.
~ without a word.
~, and got [food] for it.
~ for a week and a day.
~, since [reason].
~, which made {Y} [glad] for the first time that day.
""")
CODA = """
That night the {adj} {T} {rest}. => end *2
When the lamps were lit, the {adj} {T} {rest}. => end *2
And the {T}? It {rest}. => end *2
So the {T} stayed with {H}: at bedtime it {rest}. => end *2
Go and look: the {adj} {T} {rest}. => end *2
If you had come by at midnight, you would have seen that the {T} {rest}. => end *2
"""
LAST_WORDS = bank("coda", CODA)
ASIDE = """
Meanwhile [who] was [chore]. => aside *2
Nobody noticed that [who] had gone to [errand]. => aside *2
Far from all this, [who] ate [food]. => aside *2
It was said that [who] knew the whole story. => aside
"[proverb]," remarked [who]. => aside *2
To the surprise of all, [who] began to hum [song]. => aside
In a corner [who] was talking to [creature]. => aside *2
The council sent [who] to look into it. => aside
"""
AFTER_OR_LAST_WORDS = bank("after", AFTER + ASIDE + CODA)
ASIDE_OR_LAST_WORDS = bank("after", ASIDE + CODA)
CLOSE = bank("close", """
{A} fell asleep [glad]. *3
"[proverb]," said {A}, and put out the light. *3
Nobody ever mentioned [event] again.
The last thing {A} heard was [sound].
Outside, [creature] went home too.
For supper there was [food], and then [food].
{A} dreamed of [sight].
They sang [song] and went to bed.
In the morning it all began again, but with [food].
And that was the end of a day that had begun so badly.
The moon rose over the village and found nothing to complain of.
{A} wrote it all down, but spelled it wrong.
The clock struck, and nobody counted.
Somewhere a dog dreamed, and ran in its sleep.
If you pass that way, knock twice and ask for [food].
""")


def ending(v):
    """The thing may change hands a few times more, and others have lives too; then the last words, which name its holder, and a close."""
    while True:
        v.coda_at = len(v.text)
        what = v.draw(AFTER_OR_LAST_WORDS if v.coda_at < ROOM else ASIDE_OR_LAST_WORDS if v.coda_at < ROOM + 150 else LAST_WORDS)
        if what == "end":
            break
        if what != "aside":
            giver = v.holder
            v.say(" ")
            v.hold(v.someone(), giver)
            v.draw(AFTER_TAIL)
    v.draw(CLOSE)


# ---- lost and found

LOST_WHY = bank("why", """
{A_He} had wanted to {use}.
Without it {A_he} felt [sad]. *2
It had been there at breakfast.
{A_He} had promised to take good care of it.
Nothing else was missing but [food].
And this was the very day to {use}.
For seven years it had hung on the same nail.
{A_He} blamed the moon.
A thing like that does not walk away by itself.
""")
SEARCH = bank("search", """
{A_He} looked [spot], [spot] and [spot]
{A_He} searched [spot], then [spot], then [spot]
First {A_he} tried [spot], then [spot]
{A_He} lit a candle and peered [spot] and [spot]
With a broom {A_he} poked about [spot] and [spot]
Three times {A_he} looked [spot], and once [spot]
""")
TRIFLE = bank("trifle", """
~, and found [trifle].
~, but there was only [trifle].
~. All that turned up was [trifle].
~, and came away with [trifle] and a bruise.
~, and was surprised by [trifle].
""")
FRIEND = bank("friend", """
Then [B] came [road].
At the gate stood [B], who [B_who].
There was a knock, and in walked [B].
In the lane {A_he} met [B], busy [chore].
Next door lived [B], who [B_who].
"[A_cry]!" cried {A}, so loudly that [B] came running.
On the wall sat [B], eating [food].
The first person to ask was [B], who [B_who].
""")
SUGGEST = bank("suggest", """
"You had it [atP]," said {B} [softly], and there they went.
"Have you looked [atP]?" {B} asked [softly]. They went to see.
{B} thought for as long as it takes to eat [food]. "It must be [atP]." Off they went.
"On Friday I saw you with it [atP]," said {B}. Together they set out.
{B} had dreamed of it [atP], so that was where they looked.
A trail of crumbs led them [road]; it ended [atP].
"Things like that end up [atP]," said {B} [softly]. So they went.
Nobody but {B} would have thought of looking [atP].
""")
THERE = bank("there", """
There sat [C] with the {T}. => held *2
There stood [C], busy [chore], the {T} within reach. => held
Someone was already holding the {T}: [C], who [C_who]. => held *2
Under a bench lay the {T}. => lay
They found the {T} half buried in leaves. => lay
{A} nearly fell over the {T}. => lay
The {T} had never left; only {A} had. => lay
High up on a hook hung the {T}. => lay
Out from behind a cart stepped [C], with a guilty face and the {T}. => held
""")
LAY = bank("lay", """
{A} wiped it with a sleeve and took it home. => A *2
"Mine," said {A} [softly], and picked it up. => A
{A} was so [glad] that {B} was allowed to carry it. => B
"Finders keepers," said {B}, and {A} had to laugh and let {B} have it. => B
{A} looked at it for a long time and then gave it to {B} as a reward. => B
"You found it, so you take it," {A} said to {B}. And so it was. => B
{A} blew off the dust and put it under one arm. => A
""")
EXPLAIN = bank("explain", """
{C} said "[C_cry]," and that nobody had seemed to want it.
"I was only keeping it dry," said {C} [softly].
By way of an answer {C} [C_does].
"Is it yours?" asked {C}. "I hoped it was mine."
{C} had found it beside [trifle].
"I only wanted to {use}," said {C} [softly].
{C} offered [food] and a long apology.
"It followed me home," said {C} [softly].
""")
HELD = bank("held", """
{C} gave it back to {A}. => A *2
With a sigh {C} put it into the hands of {A}. => A
"Keep it, then," said {A}, and {C} kept it. => C
{A} said that {C} could have it, since [reason]. => C
To end the matter, {B} took it. => B
{C} handed it to {B}, who was nearest. => B
"Let us draw straws," said {B}, and drew the longest. => B
"I have had my fun," said {C}, and {A} had it again. => A
""")


def lost(v):
    v.hold(None)
    v.draw(LOST_WHY)
    v.draw(SEARCH)
    v.draw(TRIFLE)
    v.draw(FRIEND)
    v.draw(SUGGEST)
    v.notes["where"] = (f"Where was the {v.noun} found?", v.place)
    v.beat()
    if v.draw(THERE) == "held":
        v.hold("C")
        v.draw(EXPLAIN)
        v.hold(v.draw(HELD), "C")
    else:
        v.hold(v.draw(LAY))
    v.beat()
    ending(v)


# ---- a journey, with something to deliver

JOURNEY_WHY = bank("why", """
{B} wanted to {use}.
It was a long way, and {A} was already [sad].
"Do not stop anywhere," somebody had said, and {A} meant to obey.
{A} packed [food] and set off.
{A} had never been so far from home.
There was no hurry, but {A} hurried.
On the way {A} practised what to say.
The sky did not look friendly.
{A} sang [song], to keep time.
""")
STOP = bank("stop", """
First the road led [toP].
{A} took the short way, which led [toP].
By noon {A} had come no further than [toP].
Without asking, the feet of {A} went [toP].
A signpost pointed both ways [toP].
The cart only went as far as this: it stopped and turned round [atP].
Because of [sight], {A} had to go round by way of another place and rested [atP].
""")
MEET = bank("meet", """
There was [C], busy [chore].
On a stone sat [C], who [C_who].
Somebody called out, and it was [C].
Who should be there but [C], up to the elbows in work.
In the shade sat [C] with [food].
A voice from above said good day. It belonged to [C].
""")
TROUBLE = bank("trouble", """
"I am cold to the bone," said {C}.
"Everybody has forgotten me," {C} said [softly].
{C} had lost [trifle] and could not stop talking about it.
{C} said "[C_cry]," and then: "If only I could {use}."
{C} had eaten nothing since Tuesday but [food].
"I have been [sad] all week," said {C}.
"My roof leaks on exactly one chair," said {C}.
{C} had quarrelled with everyone there was.
""")
CHOICE = bank("choice", """
{A} let {C} have the {T}, only until evening. => lend
{A} could not bear it and left the {T} there with {C}. => lend
{A} gave {C} [small] and went on with the {T}. => go *2
{A} shared [food] with {C} and hurried on, the {T} held tight. => go
{A} took {C} along, and {C} was allowed to carry the {T}. => along *2
{A} told {C} about [event], and then went on with the {T}. => go
"You carry it for a bit," said {A}, and {C} did, all the way. => along
""")
MISHAP = bank("mishap", """
Halfway there the {T} fell into the river, and it was [D] who fished it out. => D *2
Then the {T} was gone: [D] had snatched it for a joke. => D
At the crossroads they rested, and [D] picked up the {T} to look at it. => D
Nothing happened on the way, except for [sight]. => none *2
Of the rest of the road there is nothing to tell but [event]. => none *2
A dog ran between their legs; the {T} rolled away and was caught by [D]. => D
They only stopped to look at [sight]. => none
""")
MISHAP_END = bank("mishap end", """
With a "[D_cry]," {D} gave it back to {A}. => A *2
{D} returned it to {A} for [food]. => A
{D} would not let go of it and came along. => D
"I am going there anyway," said {D}, and carried it the rest of the way. => D
""")
ARRIVE = bank("arrive", """
They found {B} busy [chore]
When {B} opened the door, supper was on the table
{B} had been looking at the clock since noon
At the very end of the day they saw {B}
Behind the door stood {B} and [B_does]
""")
EMPTY_HANDED = bank("empty handed", """
~. "It is with {C}," {A} had to say. {B} [B_does], and went and got it. => B
~. "{C} has it," said {A} [softly]. "Then let it stay there," said {B}. => C
~. {A} told the whole story. {B} laughed, and {C} was allowed to keep the {T}. => C
~. {B} listened, put on a coat and took the {T} away from {C} that same hour. => B
""")
DELIVER = bank("deliver", """
~. The {T} was handed over, and {B} [B_does]. => B *2
~. {B} took the {T} and was [glad]. => B *2
~. "You have carried it so well," {B} told {H}. "Keep it." => keep *2
~. But {B} had found another one and would not take the {T} from {H}. => keep
~. By then {H} had grown fond of the {T}, and {B} could see that, and gave up. => keep
~. It took [food] and some coaxing, but then {B} had the {T}. => B
""")


def journey(v):
    goal = v.place
    v.hold("A")
    v.draw(JOURNEY_WHY)
    v.draw(STOP)
    v.beat()
    v.draw(MEET)
    v.notes["where"] = (f"Where did {v.words['A']} meet {v.words['C']} on the way?", v.place)
    v.draw(TROUBLE)
    choice = v.draw(CHOICE)
    if choice != "go":
        v.hold("C", "A")
    if choice != "lend" and v.draw(MISHAP) == "D":
        v.hold("D")
        v.hold(v.draw(MISHAP_END), "D")
    v.place = goal
    v.draw(ARRIVE)
    outcome = v.draw(EMPTY_HANDED if choice == "lend" else DELIVER)
    v.hold(v.holder if outcome == "keep" else outcome, v.holder)
    ending(v)


# ---- hidden, moved, and looked for in the wrong place

HIDE_WHY = bank("why", """
"Nobody will look there," {A_he} had said.
It was safe there, {A_he} believed.
There had been thieves in the next village.
{A_He} meant to {use} later, alone.
{A_He} told nobody.
Thinking about it made {A_him} [glad].
It was the seventh hiding place that year.
""")
ENTER = bank("enter", """
No sooner was {A} out of sight than [B] came in.
Meanwhile [B] came by, who wanted to {use}.
Ten minutes later [B] climbed in through the window.
The door stood open, and [B] was curious.
That was when [B] came to ask for [food].
An hour later [B], busy [chore] next door, heard something rattle.
It was [B] who knocked, waited, and walked in.
""")
SNOOP = bank("snoop", """
{B} looked [spot], [spot], and then {first}.
{B} lifted the lid of everything in the house and ended up {first}.
A smell of [smell] led {B} straight to the {T}.
{B} tripped over [trifle], fell, and saw the {T}.
Somebody like {B} looks {first} before anywhere else.
It took {B} as long as it takes to eat [food] to find the {T} {first}.
""")
USE = bank("use", """
"[B_cry]!" said {B}, took it out and {used}.
For an hour {B} {used}.
{B} [B_does], and {used}.
Could anyone have resisted? {B} {used}.
""")
MOVE = bank("move", """
Afterwards {B} put it back in another place: [hideaway]. => hidden *2
When there were steps outside, {B} pushed it [hideaway]. => hidden *2
For a joke {B} left it [hideaway]. => hidden *2
{B} walked off with it under one arm. => taken *2
It was too fine to leave behind, so {B} took it home. => taken
Then {B} heard [sound] and stuffed it [hideaway]. => hidden *2
{B} thought of {A}, felt [sad], and took it away to polish it. => taken
""")
WITNESS = bank("witness", """
Nobody saw it but [creature]. => none *3
Only the cat looked on, and cats do not tell. => none *2
Through the keyhole [C] had seen it all. => saw *3
All this was watched from the roof by [C]. => saw *2
A neighbour, [C], was looking in at the window. => saw
""")
TELL = bank("tell", """
On the way home {A} met {C} and heard the whole story. => told *2
{C} ran to meet {A} and could not keep it in. => told
{C} waited at the gate for {A}, but talked only of [event]. => untold *2
{C} decided that it was none of anyone's business. => untold
{A} bought [food] from {C}, who said nothing. => untold
A note from {C} was pinned to the gate, and it told everything. => told
""")
BACK = bank("back", """
When {A} came home, the first thing was to look {first}. There was nothing but [trifle].
{A} came back in the evening, reached for it {first}, and found [trifle].
Home again, {A} looked {first}. It was empty, but for [trifle].
Before taking off a coat {A} looked {first}. Gone: in its place lay [trifle].
""")
INFORMED_HIDDEN = bank("informed", """
So {A} did not even look {first}, but {second}.
{A} walked past the old place and searched {second}.
Why look {first}? {A} reached at once for the {T} {second}.
""")
INFORMED_TAKEN = bank("informed", """
So {A} did not even look {first}, but knocked at the door of {B}.
{A} turned on the spot and marched off to {B}.
Why look {first}? {A} went to see {B}.
""")
TRAIL = bank("trail", """
Then {A} saw [food] on the floor, and a trail of crumbs that led to {B}.
At last somebody said a name, and the name was {B}.
A light was burning where {B} lived, and {A} knocked.
""")
CONFESS = bank("confess", """
In came {B} and [B_does]. "It is {second}," said {B}, "and I am sorry." {A} took it out. => A *2
{A} asked up and down the street until {B} pointed: it was {second}. {A} pulled it out. => A *2
"[A_cry]!" cried {A}. {B} fetched it and looked so [sad] that {A} said: "Then keep it." => B *2
It was {B} who found it {second} a second time, and this time kept it. => B *2
Then a note came from {B}. It named the place, {second}, and {A} had the {T} again. => A
""")
FOUND = bank("found", """
And there it was. {A} took it and was [glad]. => A *2
It was there. But {B} had come too, and in the end {A} let {B} have it. => B *2
There was the {T}, and for keeping watch {C} got it. => C *2
It was just as {C} had said, and {A} took it out. => A
""")
CONFRONT = bank("confront", """
"[B_cry]," said {B}, and gave it back to {A}. => A *2
{B} wept until {A} said: "Keep it." => B
They argued about [event] until midnight, and {B} kept it. => B
{A} got it back, together with [food]. => A
{B} had polished it. {A} was so [glad] that {B} was told to keep it. => B
""")


def hide(v):
    v.hold(None)
    v.words["first"] = v.words["hideaway"]
    v.draw(HIDE_WHY)
    v.draw(ENTER)
    v.draw(SNOOP)
    v.hold("B")
    v.draw(USE)
    hidden = v.draw(MOVE) == "hidden"
    if hidden:
        v.hold(None)
        v.words["second"] = v.words["hideaway"]
    told = v.draw(WITNESS) == "saw" and v.draw(TELL) == "told"
    truth = v.words["second"] if hidden else f"with {v.words['B']}"
    v.notes["belief"] = (len(v.text), truth if told else v.words["first"], truth)
    if told:
        v.draw(INFORMED_HIDDEN if hidden else INFORMED_TAKEN)
        outcome = v.draw(FOUND if hidden else CONFRONT)
    else:
        v.draw(BACK)
        v.beat()
        if not hidden:
            v.draw(TRAIL)
        outcome = v.draw(CONFESS if hidden else CONFRONT)
    v.hold(outcome, v.holder)
    ending(v)


# ---- a baking day: how many are left?

BAKE_NOTE = bank("bake note", """
They smelled of [smell], but tasted better.
{A} put them on the sill to cool.
"Nobody touches them," said {A}, and turned away.
They were meant for the feast.
{A} counted them twice.
The whole lane knew it at once.
{A} hummed [song] and washed the bowl.
""")
FEWER = """
{A} ate => fewer
{who} sat down and ate => fewer
For the poor {A} set aside => fewer
The miller's dog ran off with => fewer
{A} packed up for a cousin => fewer
A gust swept from the sill => fewer
"Only a taste," said {who}, and swallowed => fewer
In a dark corner {who} finished => fewer
The band was given => fewer
Through the open window somebody stole => fewer
The geese got => fewer
"""
MORE = """
There was dough left, enough to bake another => more *2
{who} brought back from yesterday another => more *2
{A} scraped out the bowl and made another => more
"""
VISITOR = """
Then [{role}] came [road]. => visitor *3
In the doorway stood [{role}], who [{role}_who]. => visitor *3
"""
FEWER_TAIL = bank("fewer", """
~ of them.
~ of them, and said that they could be worse.
~ of them when nobody looked.
~ of them, still hot.
~ of them before the bell rang.
~ of them, which was only fair.
~ of them, crumbs and all.
""")
MORE_TAIL = bank("more", """
~, and put them with the others.
~, and nobody could tell them apart.
~, a little burnt at the edges.
""")
LEFT = bank("left", """
When the sun went down, there {were} {left} on the tray.
At closing time {left} {were} still to be had.
That evening {A} looked at the tray: {left} {were} left.
{A} shut the window. On the tray there {were} {left}.
""")


def bake(v):
    v.say(" ")
    count = v.number(6, 12)
    v.say(" ")
    plural, singular = v.goods()
    v.notes["goods"] = plural
    v.draw(BAKE_NOTE)
    v.counts = [(len(v.text), count)]
    for role in ("B", "C", "D"):
        v.draw(VISITOR_OF[role])
        for _ in range(2 if role == "B" else 1):
            change = v.draw(CHANGES[role, count > 0, count < 13])
            v.say(" ")
            if change == "fewer":
                count -= v.number(1, min(count, 5))
                v.draw(FEWER_TAIL)
            else:
                count += v.number(2, 4)
                v.draw(MORE_TAIL)
            v.counts.append((len(v.text), count))
        v.beat()
    v.coda_at = len(v.text)
    v.words |= {"left": f"{NUMBERS[count]} {singular if count == 1 else plural}", "were": "was" if count == 1 else "were"}
    v.draw(LEFT)
    v.draw(CLOSE)


VISITOR_OF = {role: bank("visitor", VISITOR.replace("{role}", role)) for role in ("B", "C", "D")}
CHANGES = {(role, some, room): bank("change", ((FEWER if some else "") + (MORE if room else "")).replace("{who}", f"{{{role}}}"))
           for role in ("B", "C", "D") for some, room in ((True, True), (True, False), (False, True))}

# ---- one thing for another

TRADE_WHY = bank("why", """
All {A} had to offer was [aT].
{A} owned nothing of the kind, only [aT].
In the cupboard of {A} there was only [aT].
But money was short, and so {A} took [aT] along instead.
What can one give for a thing like that? {A} thought, and took down [aT].
""")
TRADE_OWNER = bank("owner", """
Everybody knew that [B] had {trade}.
It was [B] who owned {trade}.
One person in the village had {trade}: [B], who [B_who].
""")
TRADE_ASK = bank("ask", """
{A} found {B} [atP], busy [chore], and held out the {T}.
They met [atP]. "Look what I have here," said {A} [softly].
{A} went to see {B}, who lived [atP], and asked.
On a bench [atP] sat {B}. {A} laid the {T} down and waited.
""")
TRADE_REPLY = bank("reply", """
"Done," said {B}. They shook hands, and {B} had the {T}. => B *2
{B} [B_does] and agreed, and the {T} went to {B}. => B
"I have got one already," said {B}. "Bring me [trade] instead." => chain *3
"Throw in [food], and it is a deal," said {B}. That was that, and {B} took the {T}. => B
For a {T} there was no room in the house of {B}, but there was for [trade]. => chain
""")
TRADE_SECOND = bank("second", """
That, it turned out, was to be had from [C], who took the {T} for it. => C *2
{A} ran to [C], who had that very thing and was glad to get the {T}. => C *2
It took until dark, but [C] had one and wanted the {T}. => C
""")
TRADE_DONE = bank("done", """
So at last {A} carried home {wish}, feeling [glad].
And that is how {A} came to own {wish}.
{A} went home with {the_wish} and did not sleep all night.
"[A_cry]," said {A}, and hugged {the_wish}.
Late that night {A} was still looking at {the_wish}.
""")
TRADE_USE = bank("use", """
{H}, meanwhile, {used}.
That same evening {H} {used}.
The neighbours complained, for {H} {used}.
From the house of {H} one could hear everything: {H} {used}.
""")
REGRET = bank("regret", """
After three days {A} missed the {T}, and said so. {H} gave it back for nothing. => A *2
But {A} was soon bored with {the_wish}. "Too late," said {H}, and kept the {T}. => keep
It was a good bargain for both, and nobody was sorry. => keep *2
Only [D] was not content, and pestered {H} until the {T} was handed over. => D *2
But {A} dreamed of the {T}. So {H} brought it back, and got {the_wish} to look at on Sundays. => A
""")


def trade(v):
    v.words["wish"] = v.words["trade"]
    v.words["the_wish"] = "the " + v.words["trade"].split(" ", 1)[1]
    v.draw(TRADE_OWNER)
    v.draw(TRADE_WHY)
    v.hold("A")
    v.draw(TRADE_ASK)
    v.notes["where"] = (f"Where did {v.words['A']} meet {v.words['B']}?", v.place)
    v.beat()
    if v.draw(TRADE_REPLY) == "chain":
        v.hold(v.draw(TRADE_SECOND), "A")
    else:
        v.hold("B", "A")
    v.draw(TRADE_DONE)
    v.draw(TRADE_USE)
    outcome = v.draw(REGRET)
    v.hold(v.holder if outcome == "keep" else outcome, v.holder)
    ending(v)


# ---- waiting for a storm to pass

SHELTER = bank("shelter", """
Two others were sheltering already, [B] and [C].
Inside, [B] was busy [chore], and [C] watched.
Behind {A} came [B], wet through, and [C], who [C_who].
On two upturned buckets sat [B] and [C].
""")
STORM = bank("storm", """
Then it broke. Rain came down in ropes.
Thunder rolled over [loose].
The first flash lit up [loose].
The wind tore at [loose] until something gave way.
Hail as big as walnuts bounced off [loose].
The chimney sang one long note.
It became so dark that [creature] went to sleep.
""")
PASS_TIME = """
To pass the time {H} gave the {T} to => pass
{H} was afraid and pressed the {T} on => pass
"You try," said {H}, and the {T} went to => pass
When the thunder crashed, {H} dropped the {T}; it was picked up by => pass
They told stories about [event], and for the best one {H} gave the {T} to => pass
For a share of [food], {H} handed the {T} to => pass
The candle went out; when it burned again, the {T} was with => pass
Because [reason], the {T} had to move on, this time to => pass
"""
PASS_TAIL = bank("pass tail", """
~, who {used}. *2
~, and {Y} [Y_does].
~. *2
~ while they all sang [song].
~, since [reason].
""")
ARRIVAL = """
There was a knock. In fell [D], soaked, and was given the {T} to hold. => D *3
Out in the storm somebody called. {H} ran out with the {T} and led [D] in by the hand. => stay *3
"""
CLEAR = """
At last the clouds moved on. => clear *2
After an hour it was over. => clear *2
Then, all at once, it was quiet but for [creature]. => clear *2
"""
STORM_NEXT = bank("storm next", PASS_TIME + CLEAR + ARRIVAL)
STORM_NEXT_FULL = bank("storm next", PASS_TIME + CLEAR)
STORM_LAST = bank("storm next", CLEAR)


def storm(v):
    v.hold("A")
    v.notes["where"] = (f"Where did {v.words['A']} wait for the storm to pass?", v.place)
    v.draw(SHELTER)
    v.draw(STORM)
    while True:
        what = v.draw(STORM_LAST if len(v.text) > ROOM else STORM_NEXT_FULL if "D" in v.people else STORM_NEXT)
        if what == "clear":
            break
        if what == "pass":
            giver = v.holder
            v.say(" ")
            v.hold(v.someone(), giver)
            v.draw(PASS_TAIL)
        elif what == "D":
            v.hold("D", v.holder)
    v.weather = "mild"
    v.beat()
    ending(v)


# ---- a quarrel, and how it ends

FIND = bank("find", """
found [aT] [atP].
pulled [aT] out of the mud [atP].
saw [aT] [atP] at the same moment.
came upon [aT] that had been left behind [atP].
dug up [aT] [atP].
""")
CLAIM = bank("claim", """
"I saw it first," said {A}. "I touched it first," said {B}.
"Mine," said {A} and {B} together.
{A} wanted to {use}. {B} wanted to {use} too, but longer.
Each took one end of it, and neither let go.
They could not agree whose it was.
There was one of it and two of them.
""")
FIGHT = bank("fight", """
By noon they were calling each other [insult] and [insult].
They pulled until they were both [sad].
{A} [A_does]. {B} [B_does]. Neither said a word.
It ended with [trifle] flying through the air.
They shouted so that [creature] left the district.
{B} threatened to write to the council, and {A} to read it out.
Somebody mentioned [event], and that made it worse.
""")
JUDGE = bank("judge", """
Then [C] came [road] and asked what the matter was.
The noise woke [C], who [C_who].
They went to [C], who knew about such things.
A passer-by, [C], put down a heavy bag and listened.
Only one person dared to step in: [C], who [C_who].
""")
VERDICT = bank("verdict", """
{C} drew straws, and {A} had the longer one. => A
{C} drew lots, and {B} won. => B
"Whoever can tell me about [event] shall have it," said {C}, and {B} could. => B
"It goes to {A}," said {C}, "because [reason]." => A
{C} took it away from both of them. "[proverb]," said {C}. => C *2
"Give it to me until you have finished," said {C}, and they did. => C
{C} asked each of them for a good reason. {A} had one: [reason]. => A
{C} threw a penny into the air, and it came down for {B}. => B
""")
SULK = bank("sulk", """
For two days they were [sad] and did not greet each other.
{B} went home and ate [food] alone.
{A} went home and ate [food] alone.
Nobody slept well that night.
A whole street stopped talking to another street.
They passed each other like two hats on sticks.
The weather was blamed.
""")
PEACE = bank("peace", """
On the third day {A} brought [food], and {B} brought [food], and that was that. => keep *3
"I was wrong," said {A} [softly], and saw to it that {B} got the {T}. => B *2
Then {B} said sorry, and made sure that {A} had the {T}. => A *2
In the end they took turns, and the first turn went to {A}. => A
They tossed a coin once more, and this time {B} got it. => B
It was [food], shared by mistake, that ended it. => keep
After a week {A} laughed first, and {B}, laughing too, was given the {T}. => B
""")


def quarrel(v):
    v.draw(FIND)
    v.hold(None)
    v.notes["where"] = (f"Where did {v.words['A']} and {v.words['B']} find the {v.noun}?", v.place)
    v.draw(CLAIM)
    v.draw(FIGHT)
    v.draw(JUDGE)
    v.hold(v.draw(VERDICT))
    v.draw(SULK)
    v.beat()
    outcome = v.draw(PEACE)
    v.hold(v.holder if outcome == "keep" else outcome, v.holder)
    ending(v)


# ---- a present that must stay a secret

SECRET = bank("secret", """
Nobody was to know. Only [C] was told, and got the {T} to keep until evening.
It had to be out of the house, so {A} brought it to [C].
"Keep this for me, and not a word," {A} said to [C], and handed it over.
A good secret needs a good cupboard, and [C] had one; there the {T} went.
No cupboard at home was safe, so {A} left it with [C].
The best place was the attic of [C], and up it went.
""")
NEARLY = bank("nearly", """
At noon {B} came by. "What is new?" {C} [C_does] and spoke of [event].
{B} asked {C} for [food] and looked around with care.
{C} met {B} and turned as red as a radish.
"You are hiding something," said {B} to {C}. "Only [trifle]," said {C}.
{B} sat down in the kitchen of {C} and stayed until four.
{C} sang [song] loudly, to drown the thought of it.
Three times {B} asked, and three times {C} offered [food].
""")
SLIP = bank("slip", """
To be safe, {C} passed the {T} on to [D], who [D_who]. => D *2
{C} could not stand it any longer and gave the {T} to [D] to keep. => D
So {C} brought the {T} back to {A}. => A *2
But {C} kept the secret, and the {T}. => keep *2
While {C} was [chore], [D] found it and promised to look after it. => D
""")
PARTY = bank("party", """
The party was held [atP].
In the evening they all met [atP].
At six o'clock the lanterns were lit, and the whole street came; it was [atP].
They had hung up lamps and set out chairs [atP].
""")
PRESENT = bank("present", """
Then {H} brought in the {T}. {B} [B_does], and hugged it. => B *3
When the {T} came out of its paper, {B} cried a little and gave {A} [food]. => B *2
{H} unwrapped the {T} by mistake, and {B} laughed and said: "Now it is yours." => keep *2
"I have always wanted to {use}," {A} said without thinking. So {B} gave it to {A}. => A *2
Everyone danced to [song], {H} with the {T} in both arms, and no one remembered to hand it over. => keep
Nine times {B} guessed wrong, and then {B} had the {T}. => B *2
""")


def gift(v):
    v.hold("A")
    v.draw(SECRET)
    v.hold("C", "A")
    v.draw(NEARLY)
    v.beat()
    outcome = v.draw(SLIP)
    v.hold(v.holder if outcome == "keep" else outcome, "C")
    v.draw(PARTY)
    v.notes["where"] = ("Where was the party?", v.place)
    v.beat()
    outcome = v.draw(PRESENT)
    v.hold(v.holder if outcome == "keep" else outcome, v.holder)
    ending(v)


# ---- lent, and lent again

LENT_USE = bank("use", """
All day {B} {used}.
{B} [B_does], and {used}.
It took some practice, but then {B} {used}.
"[B_cry]," said {B}, and {used}.
The first thing that happened was that {B} {used}.
""")
LENT_ON = bank("lend on", """
On Thursday it was borrowed from {B} by [C], who [C_who]. => C *3
Then [C] begged for it, and {B}, who was not made of stone, gave way. => C *2
{B} forgot it [atP], where it was picked up by [C]. => C *3
When [C] came with [food], {B} gave in and let it go. => C *2
Next door lived [C], who asked so often that {B} let it go. => C *2
""")
LENT_MISS = bank("miss", """
A week went by, and {A} grew [sad].
Then {A} wanted it back.
Now {A} too had to {use}.
"Where is it?" {A} asked {B}. {B} [B_does].
{A} wrote it down in a notebook: one {T}, owed.
""")
LENT_CHASE = bank("chase", """
"{C} has it," said {B} [softly].
"Ask {C}," said {B}, and closed the door.
{B} could only point at the house of {C}.
Together they went to see {C}, who was busy [chore].
All {B} knew was that {C} had come for it.
""")
LENT_END = bank("end", """
{C} returned it to {A} with [food] on top. => A *2
But {C} had just passed it on to [D], who meant to {use}. => D *2
"One more day," said {C}, and {A} agreed. => keep *2
{C} gave it back to {B}, from whom it had come. => B *2
{C} wanted to return it, but [D] was quicker and grabbed it. => D *2
"Finders keepers," said {C}, "and lenders weepers." It stayed there. => keep
{C} held it out, and {A} took it before anyone could change their mind. => A
""")


def lend(v):
    v.say(" ")
    v.say(v.words["use"] + ".")
    v.hold("A")
    v.hold("B", "A")
    v.draw(LENT_USE)
    v.beat()
    v.draw(LENT_ON)
    v.hold("C", "B")
    v.draw(LENT_MISS)
    v.draw(LENT_CHASE)
    outcome = v.draw(LENT_END)
    v.hold(v.holder if outcome == "keep" else outcome, "C")
    v.beat()
    ending(v)


# ---- a contest

PRIZE = bank("prize", """
The prize was [aT], and [B] was the judge and held it high.
Whoever won would get [aT], which was guarded by [B].
First prize: [aT]. It lay in the lap of [B], who [B_who].
Everyone wanted the prize, [aT], but until the end it belonged to [B].
""")
RIVALS = bank("rivals", """
Against {A} stood [C] and [D].
There were three of them: {A}, [C] and [D].
Only [C] and [D] dared to compete with {A}.
The others, [C] and [D], looked ready for anything.
""")
TRY_A = bank("try", """
{A} went first and was [tried].
{A} began, [softly], and was [tried].
First came {A}, and was [tried].
{A} tried to think of [smell], and was [tried].
""")
TRY_C = bank("try", """
{C} was [tried].
Next it was the turn of {C}, who was [tried].
"[C_cry]," said {C}, and was [tried].
After [food] it was the turn of {C}, who was [tried].
""")
TRY_D = bank("try", """
{D} was [tried].
As for {D}, the crowd found the performance [tried].
Last of all {D} tried, and was [tried].
The last was {D}, who was [tried].
""")
WINNER = bank("winner", """
{B} thought about it, and the winner was
{B} coughed, called for silence, and handed the {T} to
When the clapping stopped, {B} gave the {T} to
The {T} went to
Nobody breathed. Then {B} placed the {T} in the arms of
After some arithmetic {B} awarded the {T} to
""")
WON = bank("won", """
~, to the surprise of {Y} alone.
~, who [Y_does].
~, to loud applause from [creature].
~. Everyone else had [food].
~. "[Y_cry]," said {Y}.
""")
LOSERS = bank("losers", """
The other two were [sad] until supper.
The losers agreed that it had been unfair, since [reason].
Afterwards there was dancing to [song].
Nobody could say afterwards how the points had been counted.
The judge was thanked with [food].
The prize was admired by [creature].
""")


def contest(v):
    v.notes["where"] = ("Where was the contest?", v.place)
    v.draw(PRIZE)
    v.hold("B")
    v.draw(RIVALS)
    v.beat()
    for attempt in (TRY_A, TRY_C, TRY_D):
        v.draw(attempt)
    v.draw(WINNER)
    v.say(" ")
    v.hold(v.someone(), "B")
    v.draw(WON)
    v.draw(LOSERS)
    ending(v)


PLOTS = {plot.__name__: plot for plot in (lost, journey, hide, bake, trade, storm, quarrel, gift, lend, contest)}
