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
    "Between two showers": "rainy", "At the end of a long winter": "snowy",
    "When the swallows came back": "mild", "On the first of April": "windy", "In the third week of rain": "rainy", "On washing day": "windy",
    "On the coldest day that anyone could remember": "frosty", "While the fog bell was ringing": "foggy", "When the first snow fell": "snowy",
    "The day after the circus left": "quiet", "On a Thursday that felt like a Tuesday": "mild", "When the butter would not set": "hot"}.items()])

HEADS = """
could not find {A_his} [T]. => lost *4
had lost {A_his} [T]. => lost *3
woke up and missed {A_his} [T]. => lost *3
reached for {A_his} [T], and there was only air. => lost *4
had to bring [aT] [toP], where [B] was waiting for it. => journey *4
promised to carry [aT] as far as [B], who lived [atP]. => journey *4
was sent with [aT] to [B], who waited [atP]. => journey *3
set out [toP] with [aT] for [B]. => journey *3
put {A_his} [sT] [hideaway] and went to [errand]. => hide *6
hid {A_his} [sT] [hideaway] and left to [errand]. => hide *4
meant to [errand], but first hid {A_his} [sT] [hideaway]. => hide *4
trusted nobody, left {A_his} [sT] [hideaway], and went off to [errand]. => hide *4
baked => bake *4
had been up since four and had baked => bake *3
lifted out of the oven => bake *3
would have given anything for [trade]. => trade *4
dreamed three nights running of [trade]. => trade *4
stopped at a shop window, saw [trade], and could not sleep. => trade *3
had everything in life but [trade]. => trade *3
saw the sky turn black behind the church and ran [roofP] with {A_his} [T]. => storm *4
took {A_his} [T] and ran [roofP], for a storm was coming. => storm *4
was out with {A_his} [T] when it began to growl overhead, and fled [roofP]. => storm *4
and [B] => quarrel *6
was out walking with [B] when they both => quarrel *4
invited [B] along to [errand], and on the way they => quarrel *4
had made [aT] for the birthday of [B]. => gift *4
bought [aT] for the birthday of [B]. => gift *4
wrapped up [aT] in secret, for it was the birthday of [B]. => gift *3
spent a month's wages on [aT], because [B] had a birthday. => gift *3
lent {A_his} [T] to [B], who wanted to => lend *6
gave {A_his} [T] for a week to [B], who hoped to => lend *4
handed {A_his} [T] over the fence to [B], who had begged to => lend *4
went [toP] for the contest in [contest]. => contest *4
had entered for the contest in [contest], which was held [atP]. => contest *4
bet [small] on winning the contest in [contest] [atP]. => contest *3
had trained all winter for the contest in [contest] [atP]. => contest *3
"""
HEAD = bank("plot", HEADS)
BAKE = sum(1 << i for i, plot in enumerate(HEAD.meanings) if plot == "bake")
HEAD_OR_WHO = bank("plot", HEADS + "~, who [A_who], => who *80")


ROOM = 590               # characters told, after which a story takes no new turn


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
Nobody can hold the {T} and [food] at once, so {H} passed the {T} to
{H} thought about it overnight and made a present of the {T} to
In exchange for [food], {H} gave up the {T} to
Because [reason], {H} left the {T} with
When {H} dozed off, the {T} was gently taken away by
While {H} was [chore], the {T} was borrowed by
{H} put the {T} up as the stake in a game of cards, and lost it to
To make room for [food], {H} handed the {T} on to
Out of the blue {H} offered the {T} to
Tired of dusting it, {H} passed the {T} to
For the sake of peace {H} brought the {T} to
While looking at [sight], {H} put the {T} down, and it was picked up by
A wager about [event] went wrong for {H}, and the {T} went to
Before a week was out, {H} had sold the {T} for next to nothing to
{H} had run out of birthday presents and so gave the {T} to
What {H} really wanted was [food], so the {T} went off to
Moved by [song], {H} pressed the {T} upon
The council ruled that {H} had kept the {T} long enough and that it now belonged to
On the way to [errand], {H} dropped off the {T} with
"""
AFTER_TAIL = bank("after tail", """
~. *3
~, and {Y} [Y_does]. *2
~, and nobody minded.
~, without a word.
~, and they sealed it with [food].
~, in the middle of [song].
~, since [reason].
~, which made {Y} [glad] for the first time that day.
~, who felt [glad] all the way home.
~, who was in the middle of [chore].
~, while [creature] looked on.
~, and there was [food] for everyone.
""")
CODA = """
That night the {adj} {T} {rest}. => end *2
When the lamps were lit, the {adj} {T} {rest}. => end *2
And the {T}? It {rest}. => end *2
So the {T} stayed with {H}: at bedtime it {rest}. => end *2
Go and look: the {adj} {T} {rest}. => end *2
If you had come by at midnight, you would have seen that the {T} {rest}. => end *2
By the time the bats came out, the {adj} {T} {rest}. => end *2
A week later, in case you wonder, the {T} {rest}. => end *2
From that day on the {adj} {T} {rest}. => end *2
There is not much more to say: the {T} {rest}. => end *2
As for the {T}, it {rest}. => end *2
When the fire had burned down, the {adj} {T} {rest}. => end *2
The long and the short of it is that the {adj} {T} {rest}. => end *2
"""
ASIDE = """
Meanwhile [who] was [chore]. => aside *3
Nobody had noticed that [who] had slipped out to [errand] and come back. => aside *2
Unmoved by all this, [who] ate [food]. => aside *3
The story had to be explained to [who] twice. => aside *2
"[proverb]," remarked [who]. => aside *3
To the surprise of all, [who] began to hum [song]. => aside *2
In a corner [who] was talking to [creature]. => aside *2
The council asked [who] for a report, in triplicate. => aside *2
On the doorstep [who] found [trifle]. => aside *2
At about this time [who] decided to give up [chore] for good. => aside *2
Just then everyone looked up to see [sight]. => aside
From somewhere came a smell of [smell], and [who] sighed. => aside *2
Nobody could explain how [who] had come by [trade]. => aside *2
Over the fence [who] complained of feeling [sad]. => aside *2
In passing [who] was compared to [insult]. => aside *2
There was a short silence, in memory of [event]. => aside
To pass the time [who] explained [event] to [creature]. => aside *2
"""
AFTER_OR_LAST_WORDS = bank("after", AFTER + ASIDE + CODA, fresh=True)
TURNS = sum(1 << i for i, (_, meaning) in enumerate(AFTER_OR_LAST_WORDS.meanings) if meaning is None)
ASIDES = sum(1 << i for i, (_, meaning) in enumerate(AFTER_OR_LAST_WORDS.meanings) if meaning == "aside")
CLOSE = bank("close", """
{A} fell asleep [glad]. *3
"[proverb]," said {A}, and put out the light. *3
Nobody ever mentioned [event] again.
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
{A} did not hear [sound], being asleep.
The cat got [food] and kept its own counsel.
{A} went to bed with [food] and no regrets. *2
{A} put the clock back an hour and slept it twice.
That is all, unless you count [sight].
What became of [trifle] is another story.
Anyone who does not believe it may ask [creature]. *2
Behind the last house the road went on without them.
At midnight it smelled of [smell], and nobody was awake to enjoy it.
Only [creature] stayed up to think it over. *2
There was a knock in the night, but it was only [sight].
All the lamps went out, one after another, like good children.
Compared with [event], it had been a quiet day.
The next day no two people told it alike.
{A} lay awake for a while, feeling [glad], and then did not.
By morning it had become a legend, with [food] in it.
Two streets away somebody sneezed, and then it was night.
The night watchman called the hour and got it nearly right.
If it is not true, [creature] made it up.
""")


def ending(v):
    """The thing may change hands a few times more, and others have lives too; then the last words, which name its holder, and a close."""
    while True:
        v.coda_at = len(v.text)
        what = v.fresh(AFTER_OR_LAST_WORDS, 0 if v.coda_at < ROOM else TURNS if v.coda_at < ROOM + 150 else TURNS | ASIDES)
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
In seven years it had never been gone overnight.
{A_He} blamed the moon.
A thing like that does not walk away by itself.
{A_He} accused the cat, then begged its pardon.
Only [food] lay where it should have been.
At this hour {A_he} always liked to {use}.
A draught came through the keyhole, as if to say sorry.
Perhaps somebody had taken it because [reason].
The place where it belonged had never looked so empty.
{A_He} even asked [creature], but got no answer.
""")
SEARCH = bank("search", """
{A_He} looked [spot], [spot] and [spot]
{A_He} searched [spot], then [spot], then [spot]
First {A_he} tried [spot], then [spot]
{A_He} lit a candle and peered [spot] and [spot]
With a broom {A_he} poked about [spot] and [spot]
Three times {A_he} looked [spot], and once [spot]
On all fours {A_he} looked [spot], [spot], and even [spot]
Back to front {A_he} searched the house, [spot] first and [spot] last
Since [reason], {A_he} began [spot] and ended [spot]
{A_He} felt about with one arm [spot], then with the other [spot]
Humming [song], {A_he} rummaged [spot] and [spot]
Like a customs officer {A_he} went through the house, [spot], [spot] and [spot]
""")
TRIFLE = bank("trifle", """
~, and found [trifle].
~, but there was only [trifle].
~. All that turned up was [trifle].
~, and came away with [trifle] and a bruise.
~, and was surprised by [trifle].
~ and brought to light [trifle].
~. It was all very dusty, and there was [trifle].
~, where there was nothing but [trifle].
~, until [trifle] fell on {A_his} head.
~ without any luck, unless you count [trifle].
~, met [creature], and withdrew.
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
Help arrived [road]: it was [B], who [B_who].
From the roof [B] offered advice.
Luckily [B] was passing with [food].
It was no use. {A_He} went to fetch [B].
Behind the hedge somebody was [chore]. It was [B].
Two houses on lived [B], who could not bear to see anyone [sad].
Who should come by but [B], carrying [food]!
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
"Anyone in trouble goes [toP]," said {B} [softly]. So they did.
"First there was [event], and then you had it [atP]," said {B}. Back they went.
Side by side they set off [toP].
{B} drew a map in the dust, with a cross [atP]. They followed it.
For [food] {B} was ready to remember: it had been seen [atP]. They hurried there.
It took {B} two guesses, and the second one led them [toP].
"Follow me," said {B}, and did not stop until they were [atP].
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
There lay the {T}, as if on holiday. => lay
Behind a heap of sacks, next to [trifle], was the {T}. => lay
Between two barrels sat [C], hugging the {T}. => held
A crowd had gathered around [C], who was showing off the {T}. => held
The {T} was there, and so was [creature], asleep beside it. => lay
Round the corner came [C] with the {T} and [food]. => held
Half hidden by a bucket was the {T}. => lay
They heard [sound], turned round, and there was [C] with the {T}. => held
""")
LAY = bank("lay", """
{A} wiped it with a sleeve and took it home. => A *2
"Mine," said {A} [softly], and picked it up. => A
{A} was so [glad] that {B} was allowed to carry it. => B
"Finders keepers," said {B}, and {A} had to laugh and let {B} have it. => B
{A} looked at it for a long time and then gave it to {B} as a reward. => B
"You found it, so you take it," {A} said to {B}. And so it was. => B
{A} blew off the dust and put it under one arm. => A
{A} hugged it until [creature] looked away. => A
Neither spoke. Then {A} lifted it up and carried it home. => A
"Such eyes must be paid," said {A}, and made {B} a present of it. => B
{B} picked it up first, and liked the feel of it so much that {A} gave in. => B
They drew straws for it, and the winner was {A}. => A
They raced for it, and {B} was faster. => B
{A} said that [reason], and kept it. => A
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
{C} blamed the wind, the moon and the council.
{C} had won it from [creature] at cards.
"It was lying under [trifle]," said {C} [softly].
"I was told that it belonged to nobody, like [smell]," said {C}.
"Because [reason]," said {C} [softly].
For a long time {C} studied the ground.
{C} explained everything, and began with [event].
"You will laugh," said {C} [softly]. Nobody did.
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
{C} wrapped it in newspaper and returned it to {A}. => A
"Then we are friends," said {A}, took it back and gave {C} [food]. => A
{A} saw how tightly {C} held it, and let it be. => C
{C} offered [food] for it, and {A} took the bargain. => C
{B} was asked to decide, and decided for {B}. => B
They argued about [event] until {B} walked off with it. => B
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
    v.place = None
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
{A} had been told three times where to turn.
The whole lane gave advice, except [creature].
"Take something for the road," said the neighbours, and {A} took [food].
{A} wondered what it would be like to {use}, and kept walking.
With every mile the {T} weighed a little more.
{A} had polished the {T} until it was almost polite.
Only last week somebody had gone that way to [errand] and come back a week older.
""")
STOP = bank("stop", """
First the road led [toP].
{A} took the short way, which led [toP].
All that hurry only brought {A} [toP].
Without asking anybody, the feet of {A} went [toP].
A signpost pointed both ways [toP].
A cart took {A} part of the way; it stopped and turned round [atP].
Because of [sight], {A} had to go the long way round, and rested [atP].
After a mile of nettles {A} came [toP].
Somehow every road that day led [toP].
{A} asked [creature] the way, and ended up [atP].
To save time {A} cut across a field, lost the time again, and rested [atP].
A smell of [smell] drew {A} off the road and [toP].
""")
MEET = bank("meet", """
There was [C], busy [chore].
On a stone sat [C], who [C_who].
Somebody called out, and it was [C].
Who should be there but [C], up to the elbows in work.
In the shade sat [C] with [food].
A voice from above said good day. It belonged to [C].
From under a hat came a cough: it was [C].
Nobody was about but [C], who [C_who].
It was a lonely spot, except for [C] and [creature].
A sign said BACK SOON. Beside it waited [C].
With one foot in a bucket stood [C], who [C_who].
""")
TROUBLE = bank("trouble", """
"I am cold to the bone," said {C}.
"Everybody has forgotten me," {C} said [softly].
{C} had lost [trifle] and could not stop talking about it.
{C} said "[C_cry]," and then: "If only I could {use}."
Since Tuesday {C} had eaten nothing but [food].
"I have been [sad] all week," said {C}.
"My roof leaks on exactly one chair," said {C}.
{C} had quarrelled with everyone there was.
"I came out for [food] and have forgotten the way home," said {C}.
{C} had been waiting since Easter for somebody to talk to about [event].
"My shoes have gone off without me," said {C} [softly].
All that {C} could say was "[C_cry]," over and over.
It was the birthday of {C}, and nobody had come.
{C} had argued with [creature] and lost.
"Even [creature] has somewhere to go," said {C}.
""")
CHOICE = bank("choice", """
{A} let {C} have the {T}, only until evening. => lend
{A} could not bear it and left the {T} there with {C}. => lend
{A} gave {C} [small] and went on with the {T}. => go *2
{A} shared [food] with {C} and hurried on, the {T} held tight. => go
{A} took {C} along, and {C} was allowed to carry the {T}. => along *2
{A} told {C} about [event], and then went on with the {T}. => go
"You carry it for a bit," said {A}, and {C} did, all the way. => along
"Keep it until I come by again," {A} told {C}, and left the {T} behind. => lend
{A} listened, nodded twelve times, and took the {T} onward. => go
{A} taught {C} [song], which helped, and then walked on with the {T}. => go
"Walk with me," said {A}, and put the {T} into the arms of {C}. => along
They went on together, {C} in front with the {T} and {A} behind with advice. => along
{A} promised to come back with [food], and kept hold of the {T}. => go
""")
MISHAP = bank("mishap", """
Halfway there the {T} fell into the river, and it was [D] who fished it out. => D *2
Then the {T} was gone: [D] had snatched it for a joke. => D
At the crossroads there was a bench, and on the bench [D], who took the {T} to look at it. => D
Nothing happened on the way, except for [sight]. => none *2
Of the rest of the road there is nothing to tell but [event]. => none *2
A dog came running; the {T} was knocked away and caught by [D]. => D
There was only one stop, to look at [sight]. => none
Down from a wall jumped [D], took the {T} and ran in a circle. => D
A gate swung open, and the {T} went flying, straight into the lap of [D]. => D
For the next mile there was nobody but [creature]. => none
The rest of the way smelled of [smell]. => none *2
At the toll gate [D] demanded the {T}, for inspection, and got it. => D
Then the road was simply long, with [sight] somewhere in the middle. => none
""")
MISHAP_END = bank("mishap end", """
With a "[D_cry]," {D} handed it to {A}. => A *2
{D} gave it to {A} for [food]. => A
{D} would not let go of it and came along. => D
"I am going there anyway," said {D}, and carried it the rest of the way. => D
{A} asked for it [softly], and {D} gave it up. => A
"My arms are younger," said {D}, and walked on with it. => D
It cost {A} [small], but {D} let go of it. => A
{D} liked the feel of it, kept it, and joined the party. => D
""")
ARRIVE = bank("arrive", """
There at last was {B}, busy [chore]
Supper was on the table, and behind it sat {B}
{B} had been looking at the clock for an hour
At the very end of the road stood {B}
Right there stood {B} and [B_does]
{B} was asleep in a chair, with [food] on one knee
It was {B} who waved first, with a broom
On an upturned box sat {B}, talking to [creature]
Up the path came {B}, humming [song]
""")
EMPTY_HANDED = bank("empty handed", """
~. "It is with {C}," {A} had to say. {B} [B_does], and went and got it. => B
~. "{C} has it," said {A} [softly]. "Then let it stay there," said {B}. => C
~. {A} told the whole story. {B} laughed, and {C} was allowed to keep the {T}. => C
~. {B} listened, put on a coat and took the {T} away from {C} that same hour. => B
~. "I left it with {C}," said {A}. {B} counted to ten, and fetched it. => B
~. There was a silence. Then {B} forgave everybody, and gave the {T} to {C} for good. => C
~, and {A} had nothing to show but [food]. {B} ate it, and went to get the {T} from {C}. => B
~. {B} heard about {C}, nodded, and said that the {T} could stay there. => C
""")
DELIVER = bank("deliver", """
~. The {T} was handed over, and {B} [B_does]. => B *2
~. {B} took the {T} and was [glad]. => B *2
~. "You have carried it so well," {B} told {H}. "Keep it." => keep *2
~. But {B} had found another one and would not take the {T} from {H}. => keep
~. By then {H} had grown fond of the {T}, and {B} could see that, and gave up. => keep
~. It took [food] and some coaxing, but then {B} had the {T}. => B
~. Out came the {T}, and {B} took it and could not stop saying "[B_cry]." => B *2
~. {B} admired the {T} from all sides, sighed, and gave it back to {H}. => back
~, and before anyone could sit down {B} had the {T}. => B
~. "Is that all?" asked {B}. It was, and so {H} kept the {T}. => keep
~. To the sound of [song] the {T} went from {H} to {B}. => B
~. {B} offered {H} [food] for the trouble, and took the {T}. => B
~. "It suits you better than me," {B} said to {H}, and that was settled. => keep
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
    outcome, bearer = v.draw(EMPTY_HANDED if choice == "lend" else DELIVER), v.holder
    if outcome == "back":                                    # into the hands of B and out of them again
        v.hold("B", bearer)
    v.hold(bearer if outcome in ("keep", "back") else outcome, v.holder)
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
{A_He} had chosen the spot in a dream about [event].
Even [creature] had been sent away first.
{A_He} looked at the place from four sides and saw nothing.
A treasure, {A_he} thought, has to be somewhere.
For good measure {A_he} put [trifle] in front of it.
The last hiding place had smelled of [smell].
""")
ENTER = bank("enter", """
No sooner was {A} out of sight than [B] came in.
Meanwhile [B] came by, who wanted to {use}.
Ten minutes later [B] climbed in through the window.
The door stood open, and [B] was curious.
That was when [B] came to ask for [food].
An hour later [B], busy [chore] next door, heard something rattle.
It was [B] who knocked, waited, and walked in.
Through the cat flap, with some effort, came [B].
A moment later the curtain moved, and behind it was [B].
Just then [B] came [road] and found nobody at home.
Hoping for [food], [B] tried the door.
The house was quiet but for [B], who had come in by the cellar.
Nobody heard [B] lift the latch.
""")
SNOOP = bank("snoop", """
{B} looked [spot], [spot], and then {first}.
{B} lifted the lid of everything in the house, and last of all looked {first}.
A smell of [smell] led {B} straight to the {T}.
{B} tripped over [trifle], fell, and saw the {T}.
Somebody like {B} looks {first} before anywhere else.
It took {B} as long as it takes to eat [food] to find the {T} {first}.
{B} was looking for [food] and found the {T} {first} instead.
Tidying up a little, {B} came upon the {T} {first}.
{B} followed [creature] across the floor, and there was the {T}.
The {T} had been hidden too well: {first}, thought {B}, and was right.
{B} counted the places where one might hide [trifle], and the {T} was in the third.
""")
USE = bank("use", """
"[B_cry]!" said {B}, took it out and {used}.
For an hour {B} {used}.
{B} [B_does], and {used}.
Could anyone have resisted? {B} {used}.
Nobody was looking, so {B} {used}.
With the curtains closed {B} {used}.
Only to see how it felt, {B} {used}.
Right or wrong, {B} {used}.
As if at home, {B} {used}.
""")
MOVE = bank("move", """
Afterwards {B} put it back in another place: [hideaway]. => hidden *2
When there were steps outside, {B} hid it [hideaway]. => hidden *2
For a joke {B} left it [hideaway]. => hidden *2
{B} walked off with it under one arm. => taken *2
It was too fine to leave behind, so {B} took it home. => taken
Then {B} heard [sound] and stuffed it [hideaway]. => hidden *2
{B} thought of {A}, felt [sad], and took it away to polish it. => taken
{B} went to put it back, forgot where, and chose a spot [hideaway]. => hidden *2
Since [reason], {B} moved it: it was now [hideaway]. => hidden
"Better here," said {B}, and tucked it away [hideaway]. => hidden *2
Under a coat, as if it were [food], {B} carried it off. => taken *2
{B} meant to put it down, but took it along. => taken
""")
WITNESS = bank("witness", """
Nobody saw it but [creature]. => none *3
Only the cat looked on, and cats do not tell. => none *2
Through the keyhole [C] had seen it all. => saw *3
All this was watched from the roof by [C]. => saw *2
A neighbour, [C], was looking in at the window. => saw
Up in the gutter sat [creature] and gave evidence to nobody. => none
Nobody at all was watching, except a portrait of somebody's uncle. => none *2
Over the fence [C] had stopped [chore] and was staring. => saw
There was a hole in the hedge, and in the hole there was [C]. => saw *2
Not even [creature] looked up. => none
""")
TELL = bank("tell", """
On the way home {A} met {C} and heard the whole story. => told *2
{C} ran to meet {A} and could not keep it in. => told
{C} waited at the gate for {A}, but talked only of [event]. => untold *2
{C} decided that it was none of anyone's business. => untold
{A} bought [food] from {C}, who said nothing. => untold
A note from {C} was pinned to the gate, and it told everything. => told
{C} told {A} all of it, with gestures, before the gate had closed. => told
"I never gossip," said {C} to {A}, and then told everything. => told
"I never gossip," said {C}, and never did. => untold
{C} would have told {A}, but was called away to [errand]. => untold
Later {C} remembered it as a dream about [event]. => untold
For [food] {C} told {A} where to look and whom to thank. => told
""")
BACK = bank("back", """
When {A} came home, the first thing was to look {first}. There was nothing but [trifle].
{A} came back in the evening, reached for it {first}, and found [trifle].
Home again, {A} looked {first}. It was empty, but for [trifle].
Before taking off a coat {A} looked {first}. Gone: in its place lay [trifle].
With a light heart {A} came back, felt about {first}, and brought out [trifle].
{A} came in, sat down, got up, looked {first}, and saw [trifle] and nothing else.
There was [food] for supper, but before that {A} looked {first}. Nothing was there.
No thief could have been neater: when {A} looked {first}, there was only [trifle].
""")
INFORMED_HIDDEN = bank("informed", """
So {A} did not even look {first}, but {second}.
{A} walked past the old place and searched {second}.
Why look {first}? {A} reached at once for the {T} {second}.
{A} thanked {C} with [food] and looked {second}.
Who needs luck with neighbours like that? {A} looked straight away {second}.
For once {A} was in no doubt, and searched {second}.
""")
INFORMED_TAKEN = bank("informed", """
So {A} did not even look {first}, but knocked at the door of {B}.
{A} turned on the spot and marched off to {B}.
Why look {first}? {A} went to see {B}.
{A} thanked {C} with [food] and went to call on {B}.
Ten minutes later {A} rang the bell of {B}.
Who can hide from a neighbour? {A} stood before {B} with folded arms.
""")
TRAIL = bank("trail", """
Then {A} saw [food] on the floor, and a trail of crumbs that led to {B}.
At last somebody said a name, and the name was {B}.
A light was burning where {B} lived, and {A} knocked.
At the pump everybody was suddenly talking of {B}.
Under the window was a footprint of a kind that only {B} could make.
Then {A} heard [sound], and it came from the house of {B}.
{A} remembered who was always short of [food]: {B}.
""")
CONFESS = bank("confess", """
In came {B} and [B_does]. "It is {second}," said {B}, "and I am sorry." {A} took it out. => A *2
{A} asked up and down the street until {B} pointed: it was {second}. {A} pulled it out. => A *2
"[A_cry]!" cried {A}. {B} fetched it and looked so [sad] that {A} said: "Then keep it." => B *2
It was {B} who found it {second} a second time, and this time kept it. => B *2
Then a note came from {B}. It named the place, {second}, and {A} had the {T} again. => A
Nobody can keep quiet for ever. "Look {second}," said {B}, and {A} did, and had it. => A
{B} dreamed of [event], woke up, and brought it back to {A}. => A
By then {B} had fetched it from its place {second} and would not give it up. => B *2
{A} offered [food] to whoever brought back the {T}. {B} brought it back. => A
{B} told {A} everything, so well that {A} made {B} a present of it. => B *2
""")
FOUND = bank("found", """
And there it was. {A} took it and was [glad]. => A *2
It was there. But {B} had come too, and in the end {A} let {B} have it. => B *2
There was the {T}, and for keeping watch {C} got it. => C *2
It was just as {C} had said, and {A} took it out. => A
"[A_cry]!" said {A}, and held it up to the light. => A
It lay there, none the worse. {A} shook hands with {C} and took it home. => A
There it was, and there stood {B}, blushing. {A} let {B} keep it, because [reason]. => B
Without {C} it would have been lost, and so {C} was given it. => C
""")
CONFRONT = bank("confront", """
"[B_cry]," said {B}, and gave it back to {A}. => A *2
{B} wept until {A} said: "Keep it." => B
They argued about [event] until midnight, and {B} kept it. => B
{A} got it back, together with [food]. => A
{B} had polished it. {A} was so [glad] that {B} was told to keep it. => B
{B} stood on one leg, then on the other, and handed it over to {A}. => A
There was a scene, and then [food], and then {A} had it back. => A
{A} asked three times, and the third time laughed and let {B} keep it. => B
{B} offered to pay with [food], and {A}, who was hungry, agreed. => B
{A} shouted, {B} shouted, and [creature] moved out. In the end {A} took it home. => A
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
{A} burned a finger and said "[A_cry]."
They were round, more or less.
The recipe had come from an aunt and could not be read.
The largest had the face of a bishop.
{A} dusted off [trifle] and called it a cake stand.
The steam went off [road] and told everyone.
""")
FEWER = """
{A} ate => fewer
{role} sat down and ate => fewer
For the poor {A} set aside => fewer
The miller's dog ran off with => fewer
{A} packed up for a cousin => fewer
A gust swept from the sill => fewer
"Only a taste," said {role}, and swallowed => fewer
In a dark corner {role} finished => fewer
The band was given => fewer
Through the open window somebody stole => fewer
The geese got => fewer
{role} needed consolation and took => fewer
{A} settled a debt with => fewer
The schoolchildren made short work of => fewer
The vicar called, praised the weather, and left with => fewer
Over the fence {A} handed a neighbour => fewer
With both eyes closed {role} tried => fewer
In the time it takes to say so, {role} put away => fewer
"""
MORE = """
{A} found that there was dough left, and baked another => more *2
Out of a bag {role} took another => more *2
{A} scraped out the bowl and made another => more
With the last of the flour {A} made another => more
{role} had a bad conscience and brought another => more
Under a cloth in the pantry {A} discovered another => more
"""
VISITOR = """
Then [role] came [road]. => visitor *3
In the doorway stood [role], who [role_who]. => visitor *2
The smell had brought [role], who [role_who]. => visitor *2
It was not long before [role] looked in, on the way to [errand]. => visitor
Next came [role], who had meant to go on [chore]. => visitor
There was a cough outside: it was [role]. => visitor
"Is anybody at home?" called [role]. => visitor
Along came [role] with [small] and an appetite. => visitor
Out of the steam appeared [role]. => visitor
"""
FEWER_TAIL = bank("fewer", """
~ of them.
~ of them when nobody looked.
~ of them, still hot.
~ of them before the bell rang.
~ of them, which was only fair.
~ of them, crumbs and all.
~ of them, which is not a crime.
~ of them while [creature] looked on.
~ of them, and who could object?
~ of them, since [reason].
~ of them in no time at all.
~ of them without so much as a thank you.
~ of them to the tune of [song].
""", fresh=True)
MORE_TAIL = bank("more", """
~, and put them with the others.
~, and nobody could tell them apart.
~, a little burnt at the edges.
~, rather flat but willing.
~, which smelled of [smell].
~, and set them down beside the rest.
~ while [creature] watched.
""", fresh=True)
LEFT = bank("left", """
When the sun went down, there {were} {left} on the tray.
At closing time {left} {were} still to be had.
That evening {A} looked at the tray: {left} {were} left.
{A} shut the window. On the tray there {were} {left}.
At the end of it there {were} {left} on the tray.
{A} counted by candlelight: there {were} {left}.
All told, and not counting crumbs, there {were} {left} on the tray.
By bedtime {left} {were} left, and nobody had room for more.
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
        v.fresh(VISITOR_OF[role])
        for _ in range(2 if role == "B" else 1):
            change = v.fresh(CHANGES[role, count > 0, count < 13])
            v.say(" ")
            if change == "fewer":
                count -= v.number(1, min(count, 5))
                v.fresh(FEWER_TAIL)
            else:
                count += v.number(2, 4)
                v.fresh(MORE_TAIL)
            v.counts.append((len(v.text), count))
        v.beat()
    v.coda_at = len(v.text)
    v.words |= {"left": f"{NUMBERS[count]} {singular if count == 1 else plural}", "were": "was" if count == 1 else "were"}
    v.draw(LEFT)
    v.draw(CLOSE)


VISITOR_OF = {role: bank("visitor", VISITOR, fresh=True, role=role) for role in ("B", "C", "D")}
CHANGES = {(role, some, room): bank("change", (FEWER if some else "") + (MORE if room else ""), fresh=True, role=role)
           for role in ("B", "C", "D") for some, room in ((True, True), (True, False), (False, True))}

# ---- one thing for another

TRADE_WHY = bank("why", """
All {A} had to offer was [aT].
{A} had nothing to give but [aT].
In the whole house of {A} there was only [aT].
But money was short, and so {A} took [aT] along instead.
What can one give for a thing like that? {A} thought, and took down [aT].
There was not a penny in the house, so {A} reached for [aT].
A fair price, {A} thought, would be [aT].
{A} turned out every drawer and found nothing to offer but [aT].
After a night of arithmetic {A} settled on [aT].
""")
TRADE_OWNER = bank("owner", """
Everybody knew where to ask: at the door of [B].
In the whole village only [B] could help.
What other people lack, [B] had, on a shelf, and never looked at it.
It so happened that exactly this belonged to [B], who [B_who].
Only one person could be asked, and that was [B], who [B_who].
Nobody else had such a thing, but [B] did.
The very thing was gathering dust at the house of [B].
""")
TRADE_ASK = bank("ask", """
{A} found {B} [atP], busy [chore], and held out the {T}.
They met [atP]. "Look what I have here," said {A} [softly].
{A} went to see {B}, who lived [atP], and asked.
On a bench [atP] sat {B}. {A} laid the {T} down and waited.
{A} waited [atP] until {B} came by, and coughed.
It was [atP] that {A} caught up with {B} and named a price: the {T}.
{A} carried the {T} about until {B} turned up [atP].
"Would you swap?" {A} asked {B} [atP], and showed the {T}.
""")
TRADE_TALK = bank("talk", """
{B} turned the {T} round three times and said that it smelled of [smell].
"How old is it?" asked {B}. "Older than [event]," said {A}.
"Does it bite?" asked {B} [softly].
{A} praised the {T} for as long as it takes to eat [food].
For a while neither looked at the other, as is proper in business.
{B} offered [food], which meant nothing either way.
{A} mentioned that [reason]. {B} mentioned the price of coal.
A small crowd gathered, mainly [creature].
"I shall have to ask my conscience," said {B}, and seemed to listen.
Under the eyes of [creature] {B} examined the {T} for woodworm.
They spoke of the weather first, and of [event].
""")
TRADE_REPLY = bank("reply", """
"Done," said {B}. They shook hands, and {B} had the {T}. => B *2
{B} [B_does] and agreed, and the {T} went to {B}. => B
"I have got one already," said {B}. "Bring me [trade] instead." => chain *3
"Throw in [food], and it is a deal," said {B}. That was that, and {B} took the {T}. => B
For the {T} there was no room in the house of {B}, but there was for [trade]. => chain
"The {T}? I have dreamed of it," said {B}, and took it before {A} could blink. => B
"It is not enough," said {B}. "Find me [trade], and we shall see." => chain *2
They haggled through [song] and out at the other end, and then the {T} belonged to {B}. => B
"What would I do with it?" asked {B}. "Now, [trade] would be another matter." => chain
It took [food] to warm things up, but then {B} took the {T} and called it even. => B
""")
TRADE_SECOND = bank("second", """
That, it turned out, was to be had from [C], who took the {T} for it. => C *2
{A} ran to [C], who had that very thing and was glad to get the {T}. => C *2
It took until dark, but [C] had one and wanted the {T}. => C
{A} knocked at eleven doors. Behind the twelfth was [C], who swapped at once for the {T}. => C
As luck would have it, [C] was trying to get rid of just that, and took the {T} for it. => C
The answer was [C], who [C_who], and who took the {T} in return. => C
Only [C] had anything of the sort, and parted with it for the {T}. => C
""")
TRADE_DONE = bank("done", """
So at last {A} carried home {wish}, feeling [glad].
And that is how {A} came to own {wish}.
{A} went home with {the_wish} and did not sleep all night.
"[A_cry]," said {A}, and hugged {the_wish}.
Late that night {A} was still looking at {the_wish}.
All the way home {A} talked to {the_wish}.
{A} put {the_wish} where the whole street could see.
For the first time in weeks {A} was [glad], thanks to {the_wish}.
With {the_wish} safely at home, {A} celebrated with [food].
""")
TRADE_USE = bank("use", """
The {T} had a busy day: {H} {used}.
The {T} was not idle either: that same evening {H} {used}.
The neighbours complained about the {T}, for {H} {used}.
One could tell that the {T} had moved house: {H} {used}.
As for the {T}, it was in use at once: {H} {used}.
Nobody slept next door to the {T}, for {H} {used}.
To see what the {T} was worth, {H} {used}.
By way of welcome to the {T}, {H} {used}.
""")
REGRET = bank("regret", """
After three days {A} missed the {T}, and said so. {H} gave it back for nothing. => A *2
But {A} was soon bored with {the_wish}. "Too late," said {H}, and kept the {T}. => keep
It was a good bargain for both, and nobody was sorry. => keep *2
Only [D] was not content, and pestered {H} until the {T} was handed over. => D *2
But {A} dreamed of the {T}. So {H} brought it back, and got {the_wish} to look at on Sundays. => A
{H} wrote a letter of thanks that mentioned the {T} eleven times. => keep
In the end {A} bought the {T} back for [food]. => A
"Fair is fair," they said, and shook hands once more. => keep
Along came [D], with tears and [food], and {H} parted with the {T}. => D
On the third evening {H} called on {A} and gave the {T} back, because [reason]. => A
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
    if len(v.text) < 360:
        v.draw(TRADE_TALK)
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
Right behind came [B], out of breath, and [C], who [C_who].
On two upturned buckets sat [B] and [C].
"Come in, come in," called [B], and [C] moved over.
Under the roof it smelled of [smell], of [B] and of [C].
There was just room between [B] and [C].
Two people had been quicker: [B], who [B_who], and [C].
""")
STORM = bank("storm", """
Then it broke. Rain came down in ropes.
Thunder rolled over [loose].
The first flash lit up [loose].
The wind tore at [loose] until something gave way.
Hail as big as walnuts bounced off [loose].
The chimney sang one long note.
It became so dark that [creature] went to sleep.
The sky went the colour of a plum and emptied itself over [loose].
Between flash and crash there was just time to count to one.
Through the cracks it smelled of [smell] and lightning.
Water ran in under the door and brought [trifle] with it.
It thundered as if somebody were moving house upstairs.
A gust lifted [loose] a little, to see what was underneath.
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
Half asleep, {H} let the {T} slide over to => pass
{H} needed both hands to hold the door, so the {T} was taken by => pass
They played at forfeits; {H} lost, and the {T} went to => pass
"Next, please," said {H}, and passed the {T} to => pass
Between two flashes {H} saw [creature], shrieked, and threw the {T} to => pass
A drip fell on {H}, who moved over and left the {T} in the hands of => pass
"""
PASS_TAIL = bank("pass tail", """
~, who wanted to {use} as soon as it was over. *2
~, and {Y} [Y_does]. *2
~. *2
~ while they all sang [song].
~, since [reason].
~, who thought it smelled of [smell].
~, in exchange for [food].
~, who said "[Y_cry]," and held it tight.
~, just as the thunder growled.
""")
ARRIVAL = """
There was a knock. In fell [D], soaked, and was given the {T} to hold. => D *3
Out in the storm somebody called. {H} ran out with the {T} and led [D] in by the hand. => stay *3
The door flew open and in blew [D], who got a towel and the {T}. => D *3
Something scratched at the wall. {H}, holding on to the {T}, let in [D]. => stay *3
"""
CLEAR = """
At last the clouds moved on. => clear *2
After an hour it was over. => clear *2
Then, all at once, it was quiet but for [creature]. => clear *2
Somewhere a bird began, and the rain gave up. => clear *2
By and by there was more light than noise. => clear *2
Somebody opened the door, and the world smelled of [smell]. => clear *2
"""
STORM_NEXT = bank("storm next", PASS_TIME + CLEAR + ARRIVAL, fresh=True)
PASSES = sum(1 << i for i, (_, meaning) in enumerate(STORM_NEXT.meanings) if meaning == "pass")
ARRIVALS = sum(1 << i for i, (_, meaning) in enumerate(STORM_NEXT.meanings) if meaning in ("D", "stay"))


def storm(v):
    v.hold("A")
    v.notes["where"] = (f"Where did {v.words['A']} wait for the storm to pass?", v.place)
    v.draw(SHELTER)
    v.draw(STORM)
    while True:
        what = v.fresh(STORM_NEXT, PASSES | ARRIVALS if len(v.text) > ROOM else ARRIVALS if "D" in v.people else 0)
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
tripped over [aT] [atP].
fished [aT] out of a puddle [atP].
noticed [aT] under a bench [atP].
walked past [aT] [atP], stopped, and turned back.
""")
CLAIM = bank("claim", """
"I saw it first," said {A}. "I touched it first," said {B}.
"Mine," said {A} and {B} with one voice.
{A} wanted to {use}. {B} wanted to {use} too, but longer.
Each took one end of it, and neither let go.
They could not agree whose it was.
There was one of it and two of them.
"It is older than you, so it is mine," said {A}. "It is younger than you, so it is mine," said {B}.
{A} had plans for it already. So had {B}.
They were very polite about it for nearly a minute.
{B} put one foot on it. {A} put one hand on it.
To {use} one needs no company, as both of them pointed out.
""")
FIGHT = bank("fight", """
Before long they were calling each other [insult] and [insult].
They pulled until they were both [sad].
{A} [A_does]. {B} [B_does]. Neither said a word.
It ended with [trifle] flying through the air.
They shouted until [creature] left the district.
{B} threatened to write to the council, and {A} to read it out.
Somebody mentioned [event], and that made it worse.
"You were always like this," they told each other [softly].
Half the street took sides; [creature] stayed neutral.
{B} threw [food], and it was thrown back.
In the end they spoke only to [creature].
A chair fell over, then a bucket, then a friendship of many years.
""")
JUDGE = bank("judge", """
Then [C] came [road] and asked what the matter was.
The noise woke [C], who [C_who].
They went to [C], who knew about such things.
A passer-by, [C], put down a heavy bag and listened.
Only one person dared to step in: [C], who [C_who].
It might have ended badly, but [C] stepped between them with [food].
Along came [C], who had only wanted to [errand].
"Children, children," said [C], though there were none about.
Behind them somebody laughed: it was [C].
""")
VERDICT = bank("verdict", """
{C} drew straws, and {A} had the longer one. => A
{C} drew lots, and {B} won. => B
"Whoever can tell me about [event] shall have it," said {C}, and {B} could. => B
{C} gave it to {A}, because [reason]. => A
{C} took it away from both of them. "[proverb]," said {C}. => C *2
"Give it to me until you have finished," said {C}, and they did. => C
{C} asked each of them for a good reason. {A} had one: [reason]. => A
{C} threw a penny into the air, and it came down for {B}. => B
{C} asked which of them had ever been able to {use}, and it was {B}. So {B} got it. => B
{C} told them to shut their eyes and guess a number, and {A} guessed it. => A
"It smells of [smell], so it must be mine," said {C}, and took it. => C
"Whoever looks less [sad] shall have it," said {C}. {A} smiled first. => A
"I shall think about it," said {C}, and took it along to think. => C
"{B} asked nicely, so {B} has it," said {C}. => B
""")
SULK = bank("sulk", """
For two days they were [sad] and did not greet each other.
{B} went home and ate [food] alone.
{A} went home and ate [food] alone.
Nobody slept well that night.
A whole street stopped talking to another street.
They passed each other like two hats on sticks.
Everything was blamed on the weather.
They wrote letters to each other and sent none.
{A} crossed the road to avoid {B}; {B} crossed it to avoid {A}.
Each of them told [creature] the whole story.
For two days it was [food] and silence.
It was so quiet in both houses that one could hear [creature].
""")
PEACE = bank("peace", """
On the third day {A} brought [food], and {B} brought [food], and that was that. => keep *3
"I was wrong," said {A} [softly], and saw to it that {B} got the {T}. => B *2
Then {B} said sorry, and made sure that {A} had the {T}. => A *2
In the end they took turns, and the first turn went to {A}. => A
They tossed a coin once more, and this time {B} got it. => B
It was [food], shared by mistake, that ended it. => keep
After a week {A} laughed first, and {B}, laughing too, was given the {T}. => B
One evening they both laughed at [sight], and it was over. => keep *2
They met by accident on the way to [errand], and when they parted, {A} had it. => A
{B} sent [food] round by way of apology, and got the {T} in return. => B
With [food] and a speech {A} made it up, and {B}, much moved, let {A} have the {T}. => A
Somebody said: "[proverb]." They could not argue with that. => keep
""")


def quarrel(v):
    v.draw(FIND)
    v.hold(None)
    v.notes["where"] = (f"Where did {v.words['A']} and {v.words['B']} find the {v.noun}?", v.place)
    v.beat()
    v.draw(CLAIM)
    v.draw(FIGHT)
    v.draw(JUDGE)
    v.hold(v.draw(VERDICT))
    v.draw(SULK)
    outcome = v.draw(PEACE)
    v.hold(v.holder if outcome == "keep" else outcome)       # who handed it over is not always told
    ending(v)


# ---- a present that must stay a secret

SECRET = bank("secret", """
Nobody was to know. Only [C] was told, and got the {T} to keep until evening.
It had to be out of the house, so {A} brought it to [C].
"Keep this for me, and not a word," {A} said to [C], and handed it over.
A good secret needs a good cupboard, and [C] had one; there the {T} went.
No cupboard at home was safe, so {A} left it with [C].
The best place was the attic of [C], and up it went.
So {A} wrapped it in a tablecloth and asked [C] to look after it.
Only one person could keep quiet: [C], who [C_who], and who took it in.
Through the back door it went, and into the hands of [C].
A secret weighs more at home, thought {A}, and carried it over to [C].
Under a heap of washing it travelled to the house of [C].
""")
NEARLY = bank("nearly", """
Soon {B} came by. "What is new?" {C} [C_does] and spoke of [event].
{B} asked {C} for [food] and looked around with care.
{C} met {B} and turned as red as a radish.
"You are hiding something," said {B} to {C}. "Only [trifle]," said {C}.
{B} sat down in the kitchen of {C} and stayed for [food], and then for [food].
{C} sang [song] loudly, to drown the thought of it.
Three times {B} asked, and three times {C} offered [food].
Over the hedge {B} asked {C} whether anything was the matter.
"Do I smell [smell]?" asked {B}. "No," said {C}, too quickly.
{C} hid behind a newspaper, held upside down, until {B} had gone.
For a whole hour {C} talked to {B} about [event], so as not to talk.
"Is that a present?" asked {B}. "It is [food]," said {C}, and had to eat it.
At every knock {C} said "[C_cry]," and sat on the lid.
""")
SLIP = bank("slip", """
To be safe, {C} passed the {T} on to [D], who [D_who]. => D *2
{C} could not stand it any longer and gave the {T} to [D] to keep. => D
So {C} brought the {T} back to {A}. => A *2
But {C} kept the secret, and the {T}. => keep *2
While {C} was [chore], [D] found it and promised to look after it. => D
Twice {C} nearly told, and twice [food] came to the rescue. => keep
{C} lost sleep over it, and in the end {A} took the {T} back. => A
At last {C} carried the {T} to [D], whose house had a better lock. => D
Nobody guessed, and {C} went on guarding the {T}. => keep
""")
PARTY = bank("party", """
The party was held [atP].
In the evening they all met [atP].
Then the lanterns were lit, and the whole street met [atP].
They had hung up lamps and set out chairs [atP].
Everybody came, and [creature] too, for the party [atP].
By lantern light, with [food] in every hand, they gathered [atP].
The band was already playing [song] when {B} was led [toP].
Forty candles had been lit [atP], some of them twice.
""")
PRESENT = bank("present", """
Then {H} brought in the {T}. {B} [B_does], and hugged it. => B *3
When the {T} came out of its paper, {B} cried a little and gave {A} [food]. => B *2
{H} unwrapped the {T} by mistake, and {B} laughed and said: "Now it is yours." => keep *2
"I have always wanted to {use}," said {A}, as {B} unwrapped the {T}. So {B} gave it to {A}. => back *2
Everyone danced to [song], {H} with the {T} in both arms, and no one remembered to hand it over. => keep
Nine times {B} guessed wrong, and then {B} had the {T}. => B *2
There was [song], then [food], then a hush, and then {B} had the {T}. => B *2
{H} made a speech about [event], so long that the {T} was never handed over. => keep
After the ninth knot {B} had the {T}, and would not let go of it all evening. => B *2
Once {B} had got the {T}, it went on to {A}, who knew much better how to {use}. => back
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
    if outcome == "back":
        v.hold("B", v.holder)
        outcome = "A"
    v.hold(v.holder if outcome == "keep" else outcome, v.holder)
    ending(v)


# ---- lent, and lent again

LENT_USE = bank("use", """
From then on {B} {used}.
{B} [B_does], and {used}.
It took some practice, but then {B} {used}.
"[B_cry]," said {B}, and {used}.
The first thing that happened was that {B} {used}.
Behind closed shutters {B} {used}.
As soon as nobody was near, {B} {used}.
By way of a test {B} {used}.
It began well enough: {B} {used}.
You may guess what came next: {B} {used}.
""")
LENT_ON = bank("lend on", """
On Thursday it was borrowed from {B} by [C], who [C_who]. => C *3
Then [C] begged for it, and {B}, who was not made of stone, gave way. => C *2
{B} forgot it [atP], where it was picked up by [C]. => C *3
When [C] came with [food], {B} gave in and let it go. => C *2
Next door lived [C], who asked so often that {B} let it go. => C *2
At the fence [C] offered [food] for a loan of it, and got it from {B}. => C *2
For five minutes only, {B} let [C] have it; they were long minutes. => C *2
{B} left it lying [atP], and [C], who [C_who], took care of it. => C *2
"Is it any good?" asked [C], and {B}, to prove it, handed it over. => C *2
""")
LENT_MISS = bank("miss", """
A week went by, and {A} grew [sad].
Then {A} wanted it back.
Now {A} too had to {use}.
"Where is it?" {A} asked {B}. {B} [B_does].
{A} wrote it down in a notebook: one {T}, owed.
{A} dreamed of [event] and woke up wanting the {T}.
There came a day when {A} looked at the place where the {T} belonged.
"It was only for a day," {A} said to [creature].
At the gate of {B} stood {A} and held out a hand.
""")
LENT_CHASE = bank("chase", """
"{C} has it," said {B} [softly].
"Ask {C}," said {B}, and closed the door.
{B} could only point at the house of {C}.
Together they went to see {C}, who was [chore].
All {B} knew was that {C} had come for it.
{B} turned out both pockets, blamed [creature], and at last named {C}.
"It is in good hands," said {B} [softly], and meant those of {C}.
A smell of [smell] led {A} to {C}.
From door to door they went, and the seventh was the door of {C}.
""")
LENT_END = bank("end", """
{C} returned it to {A} with [food] on top. => A *2
But {C} had just passed it on to [D], who meant to {use}. => D *2
"One more day," said {C}, and {A} agreed. => keep *2
{C} gave it back to {B}, from whom it had come. => B *2
{C} wanted to return it, but [D] was quicker and grabbed it. => D *2
"Finders keepers," said {C}, "and lenders weepers." It stayed there. => keep
{C} held it out, and {A} took it before anyone could change their mind. => A
{C} dusted it and bowed, and {A} had it again. => A *2
{C} wept a little, and {A} said that it could stay. => keep *2
{C} could not remember which of the two had lent it, and gave it to {B}. => B
A minute earlier {C} had let [D] have it for [food]. => D *2
Both reached for it, {A} and {B}, and it was {B} who got it. => B
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
    if v.place:
        v.notes["where"] = (f"Where did {v.words['B']} forget the {v.noun}?", v.place)
        v.place = None
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
There was a prize, [aT], and a judge, [B], who would not let go of it.
The winner was to have [aT]. Until then it was in the care of [B].
Nobody had asked for the prize, [aT], but [B] guarded it with a stick.
""")
RIVALS = bank("rivals", """
Against {A} stood [C] and [D].
There were three of them: {A}, [C] and [D].
Only [C] and [D] dared to compete with {A}.
The others, [C] and [D], looked ready for anything.
In the other corner stood [C], who [C_who], and [D].
To everyone's alarm, [C] had entered too, and so had [D].
Two more had put down their names, [C] and [D].
""")
TRY_A = bank("try", """
{A} went first and was [tried].
{A} began, [softly], and was [tried].
First came {A}, and was [tried].
{A} thought hard of [food], and was [tried].
{A} stepped up, said "[A_cry]," and was [tried].
After a speech of thanks {A} began, and was [tried].
With both eyes shut {A} had a go and was [tried].
It fell to {A} to begin. The verdict: [tried].
{A} drew the first number, ate [food], and was [tried].
""")
TRY_C = bank("try", """
{C} was [tried].
Next it was the turn of {C}, who was [tried].
"[C_cry]," said {C}, and was [tried].
After [food] it was the turn of {C}, who was [tried].
Then {C} stepped up and was [tried].
{C}, not to be outdone, was [tried].
{C} was, in the words of the judge, [tried].
The second was {C}, who had practised on [creature] and was [tried].
""")
TRY_D = bank("try", """
{D} was [tried].
As for {D}, people agreed: [tried].
Last of all {D} tried, and was [tried].
The last was {D}, who was [tried].
{D} had waited long enough, and was [tried].
When [creature] had been shown out, {D} began, and was [tried].
At the end of the line stood {D}, who was [tried].
That left {D}, who was [tried].
""")
WINNER = bank("winner", """
{B} thought about it, and then the {T} went to
{B} coughed, called for silence, and handed the {T} to
When the clapping stopped, {B} gave the {T} to
The {T} went to
Nobody breathed. Then {B} placed the {T} in the arms of
After some arithmetic {B} awarded the {T} to
The geese were asked, the council was asked, and in the end the {T} went to
Because [reason], {B} gave the {T} to
{B} held up the {T}, closed both eyes, and gave it to
There was a roll on somebody's hat, and the {T} was presented to
""")
WON = bank("won", """
~, to the surprise of {Y} alone.
~, and {Y} [Y_does].
~, to loud applause from [creature].
~. Everyone else had [food].
~. "[Y_cry]," said {Y}.
~, who was seen to cry.
~, and the hats went up.
~, who said that anyone could have done it.
~ by a whisker.
~, to the relief of the council.
""")
LOSERS = bank("losers", """
The other two were [sad] until supper.
The losers agreed that it had been unfair, since [reason].
Afterwards there was dancing to [song].
Nobody could say afterwards how the points had been counted.
The judge was thanked with [food].
The prize was admired by [creature].
The band played [song], twice by mistake.
The loudest applause had come from [creature].
Nobody was [sad] for longer than it takes to eat [food].
Somebody demanded a recount and was given [food].
Old people said that it was nothing beside [event].
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
