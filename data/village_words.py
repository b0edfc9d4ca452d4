"""The village's people, places, things and small talk: what `village.py` has to say, kept apart from how it is said.

In a wording, `{A}` is filled from the story so far and `[spot]` is a draw from the list of that name (telling.py). A line may end with
`=> meaning`, and `*3` before that gives it three times the weight. Every name, craft, proverb and saying was made up for this course.
"""

# name | pronoun | craft and character (", who …") | gestures | cries
PEOPLE = """
Mole | he | dug every cellar in the village; heard a beetle cough through two walls; knew the dark better than the day; kept a map of all tunnels in his head; was afraid of nothing but ladders | rubbed his pink nose; blinked three times; counted on his claws; listened at the floor; sneezed into his sleeve; sniffed the air; patted the ground | Roots and rubble; Dear me; Dust and daisies
Wren | she | was the smallest singer in the village; sang the hours from the church roof; never finished a cup of tea; weighed less than a letter; built three houses each spring and lived in none | hopped from foot to foot; shook out her feathers; hummed two notes; put her head on one side; smoothed her wings; flew up and sat down again; chirped | Oh feathers; Sing it again; Well I never
Otter | he | mended nets and told tall stories; swam to work; had fallen into every pond in the parish; played the mouth organ on the ferry; had once caught a pike with his bare teeth | slapped his tail; wrung out his scarf; whistled through his teeth; grinned from ear to ear; shook himself dry; drummed on his belly; dived for cover | Splash and thunder; Fish and chapels; By my whiskers
Hare | she | carried the post; could not sit still, not even in church; had once outrun a train, or said so; ran the village races and won them; kept seven pairs of shoes by the door | tapped her foot; twitched both ears; ran twice around the room; looked at the clock; jumped; stretched her long legs; scratched behind one ear | No time, no time; Quick sticks; Long ears and short days
Badger | he | mended boots for half the valley; had kept the same pipe for thirty years; spoke seldom and slept well; was the oldest in the council; read the newspaper to the end, even the weather | sucked his empty pipe; scratched his grey chin; folded his arms; grunted; sat down with a groan; loosened his belt; stared into the fire | Bless my boots; Hm; Nails and leather
Fox | she | sold buttons from door to door; could talk the hind leg off a donkey; wore a different hat each day of the week; knew a man who knew a man; kept her accounts in a language of her own | straightened her hat; smiled with half her mouth; winked; brushed her tail; counted on her fingers; yawned; showed all her teeth | What a bargain; Upon my tail; Ribbons and rot
Toad | he | kept the ferry and a grudge; grew the biggest marrows for miles; did not believe in hurrying; played chess by post; had been married four times, always to the sea | puffed out his cheeks; sat down heavily; croaked; polished his buttons; closed his eyes; swallowed; leaned on his stick | Slime and sorrow; Not so fast; Mud in my pockets
Owl | she | taught school three days a week; read books that nobody else could lift; wore two pairs of spectacles; slept through Mondays; corrected the signposts at night | turned her head all the way round; cleaned her spectacles; closed one eye; made a note of it; ruffled her feathers; looked over both pairs of spectacles; coughed | Who would have thought; Spell it out; Ink and thunderclouds
Heron | he | stood for hours and called it work; painted signs for the shops; was thin, tall and polite; wrote poems about mud; never got his feet dry | lifted one leg; bowed; looked down his long beak; stretched his neck; shut his beak; swayed a little; took one long step back | Patience; How very interesting; Reeds and rivers
Mouse | she | baked before anyone was awake; feared nothing larger than a crumb; kept house in a teapot; had eleven brothers, all bakers; could hide in a thimble | wiped her paws; tucked in her tail; squeaked; nibbled her apron; dusted herself off; stood on tiptoe; held on to her hat | Crumbs; Butter and bother; Mind the oven
Robin | he | led the band on feast days; was the first up and the last to bed; quarrelled with his own reflection; owned the only gramophone; had a medal for early rising | puffed out his red chest; beat time with one wing; cocked an eye; bounced; fluffed up; stamped; sang one high note | One, two, three; Brass and drums; Look sharp
Goose | she | watched the gate and let few people by; wrote long letters to the council; knew what everybody had paid for everything; had never been wrong in public; guarded the coal at night | hissed a little; stamped her flat feet; looked the other way; opened her purse and shut it; shut her eyes with dignity; snorted; tied her bonnet tighter | Shameful; Honk and havoc; I said so at the time
Nell | she | rang the church bell; kept bees and spoke to them; had run the dairy since she was twelve; could whistle with four fingers; was saving for a bicycle | rolled up her sleeves; laughed out loud; pushed back her hair; took off her clogs; wiped her hands on her apron; looked at the sky; tossed a coin | Bees and butter; Lord love us; Hold your horses
Tam | he | was the miller's youngest; drove the only cart in the village; had flour in his hair on Sundays; knew the name of every horse; wanted to be a sailor, or a tailor | scratched his head; clapped his hands; kicked a pebble; pulled up his socks; whistled; turned out his pockets; chewed a straw | Sacks and sieves; Whoa there; Well, I'm blowed
"""

KINDS = "hare,stoat,vole,pine marten,shrew,jackdaw,weasel,curlew,dormouse,lapwing,polecat,newt,hedgehog,magpie".split(",")   # of strangers
FIRST_SYLLABLES = "Bel,Dor,Fen,Gri,Jun,Kas,Lum,Pim,Quil,Sor,Vel,Yar,Zan,Isk,Ulm,Cra".split(",")
MIDDLE_SYLLABLES = "da,ri,lo,mu,ne,sko,ti,va,bro,phi".split(",")
LAST_SYLLABLES = {"na": "she", "la": "she", "ssy": "she", "bit": "he", "kin": "he", "dor": "he", "wen": "she", "gus": "he"}

# noun | adjectives | "needed it to …" | "…, and …" (past) | where it is when the story is over
THINGS = """
kite | red, blue, striped, patched | fly it from the hill | flew it until the string hummed | hung above {H}'s bed
lamp | brass, green, dented, smoky | read by its light | read by it until the oil was low | stood in {H}'s window, still warm
drum | painted, little, loud, battered | beat time for the dancers | beat it until the cups rattled | lay under {H}'s chair, quiet at last
flute | wooden, silver, cracked, slender | play one tune on it | played it to the cows | slept in its case on {H}'s shelf
map | torn, folded, yellow, muddy | find the way to the sea | followed it to the end of the page | was pinned to {H}'s kitchen door
bell | copper, tiny, old, cracked | call the hens | rang it until the hens came running | hung on {H}'s gate
key | iron, rusty, golden, crooked | try it in the tower door | tried it in eleven locks | hung on a nail beside {H}'s stove
basket | round, willow, deep, broken | carry the eggs | filled it with nettles | stood full of washing in {H}'s hall
scarf | woollen, long, yellow, itchy | keep out the cold | wore it twice around the neck | was wrapped around {H}'s neck
book | thick, leather, blue, borrowed | look up a word | read it down to the last comma | lay open on {H}'s knees
whistle | tin, shrill, silver, small | call the dog home | blew it until the dogs complained | dangled from {H}'s belt
compass | brass, trusty, scratched, pocket | find north | turned around with it twice | pointed north from {H}'s table
mirror | round, cloudy, silver, cracked | look splendid at the fair | made faces into it | leaned against {H}'s wall
clock | wooden, striking, cheap, tall | be on time for once | wound it up with great care | ticked on {H}'s mantelpiece
umbrella | black, torn, huge, spotted | stay dry on the way home | opened it indoors, for luck | dripped in {H}'s porch
teapot | brown, chipped, blue, enormous | make tea for nine | made tea in it, strong as paint | steamed on {H}'s table
hat | straw, tall, feathered, squashed | look like somebody | bowed to everyone in it | sat on {H}'s bedpost
spade | rusty, short, heavy, new | dig up the potatoes | dug a hole and filled it in again | leaned beside {H}'s back door
fiddle | old, red, borrowed, squeaky | practise for the wedding | played until the strings were hot | rested against {H}'s pillow
blanket | grey, checked, warm, ragged | sleep under the stars | shook the moths out of it | was spread across {H}'s bed
lantern | paper, storm, tin, little | find the path after dark | swung it like a ferryman | burned low on {H}'s doorstep
rope | long, tarred, thin, knotted | pull the calf out of the ditch | tied nine kinds of knots in it | lay coiled in {H}'s cupboard
sled | wooden, fast, green, wobbly | ride down the chapel hill | rode it down the hill backwards | stood in {H}'s shed, its runners oiled
ladder | short, creaking, white, borrowed | reach the top apples | climbed it and admired the view | leaned against {H}'s chimney
wheelbarrow | squeaky, green, rusty, big | bring home the turnips | pushed it all the way to the church | stood upside down in {H}'s yard
spoon | wooden, silver, bent, giant | stir the jam | stirred everything in sight with it | lay in {H}'s drawer with the ordinary ones
puppet | wooden, smiling, one-armed, tall | make the children laugh | made it dance on the table | sat at {H}'s table as if it lived there
shell | pink, curled, huge, chalky | hear the sea | listened to it all through breakfast | lay beside {H}'s candle
magnet | strong, red, heavy, curious | get the nails out of the well | fished eight nails out of a crack | hung under {H}'s shelf with a row of pins on it
telescope | brass, long, dusty, foldable | count the moons of Jupiter | looked at the neighbours' chimneys through it | pointed at the stars from {H}'s roof
trumpet | brass, dented, golden, loud | wake the neighbours | blew one long note on it | hung by its strap behind {H}'s door
globe | old, spinning, dusty, painted | look for China | spun it until it hummed | turned slowly on {H}'s desk
saw | sharp, rusty, long, new | cut the fallen tree | sawed a perfectly good chair in half with it | hung on {H}'s wall, its teeth to the left
pearl | white, tiny, perfect, false | see it shine once | held it up to the sun | shone in {H}'s saucer like a small moon
parrot | stuffed, green, wooden, one-eyed | have somebody to talk to | told it everything | stood on {H}'s bookcase and kept silent
jug | blue, cracked, tall, stone | fetch cider from the barrel | filled it and drank it dry | held three daisies on {H}'s table
rake | wide, wooden, new, crooked | bring in the hay | raked the gravel into waves with it | leaned in a corner of {H}'s barn
accordion | wheezing, red, old, heavy | play at the harvest supper | squeezed a polka out of it | lay buttoned up on {H}'s sofa
"""

# the … | where | detail; detail; detail
PLACES = """
mill | at | The great wheel turned without hurrying; Flour hung in the light like fog; A cat slept on the warmest sack
pond | by | A duck led seven ducklings past; Rings spread where a fish had been; The reeds talked among themselves
bridge | on | Below, the river carried a green bottle to the sea; Somebody had carved two hearts into the rail; The planks smelled of tar
orchard | in | Wasps were busy in the fallen pears; A ladder had been left against the oldest tree; The grass was as high as a table
barn | in | Swallows shot in and out under the beams; It was dark, and smelled of last year's hay; An owl pellet lay on the threshing floor
well | by | The bucket went down for a long time before it splashed; Moss grew thick between the stones; If you called your name, it came back deeper
bakery | at | The windows were white with steam; Eleven loaves were cooling on the sill; The whole street smelled of cinnamon
library | in | Nobody had turned a page for an hour; Dust danced where the sun came in; A sign asked for silence in three languages
ferry | at | The chain creaked on its roller; The water was brown and in no mood to wait; A goat stood on board as if it had paid
forge | by | Sparks flew up and went out; The hammer rang twice for every blow; A horse was waiting for its last shoe
school | at | Twelve slates stood in a row to dry; Somebody had drawn a whale on the door; Through the window came the seven times table
market | at | The cheese woman was shouting about her cheese; Turnips were a penny, and worth it; A juggler had dropped everything and was bowing
garden | in | The beans had climbed past their poles; A snail was crossing the path, with luggage; Bees went in and out of the foxgloves
meadow | in | The grass was full of crickets; Nine cows looked up, then down again; Somebody had mown a path and then lost interest
quarry | at | Every step came back as an echo; The stone was yellow as cheese; A rabbit watched from the highest ledge
harbour | at | Gulls were arguing over a herring; Ropes slapped against the masts; A barge was unloading coal
chapel | by | The weathercock had lost its tail years ago; Candle smoke drifted out of the door; Ivy had reached the second window
station | at | The next train was due on Thursday; The clock had stopped at five to four; Two milk cans stood waiting like passengers
post office | at | A parcel on the counter was ticking; The queue had been there since Easter; Stamps with the wrong king were half price
lighthouse | by | The lamp turned although it was day; A hundred and nine steps went up into the dark; The keeper's washing hung from the gallery
cemetery | in | The stones leaned together as if to talk; Somebody had left a pear on a grave; Moss had eaten most of the names
tavern | at | Somebody was losing at dominoes; The stuffed pike above the bar had seen it all; The fire smoked and so did everyone else
"""

# adjective of the opening | what the weather does later
WEATHER = """
windy | The wind pulled at [loose]; A gust took [loose] and gave it back bent; The weathercock spun until it squeaked; Leaves ran down the lane as if they were late
rainy | Rain drummed on [loose]; The gutters gurgled and the lanes shone; It rained harder, and then as hard as it could; Puddles joined hands across the road
frosty | Frost had drawn ferns on [loose]; The ice on the troughs was as thick as a plate; Every breath made a small cloud; The mud had turned to iron
foggy | The fog swallowed [loose]; One could hear the church but not see it; Hedges came out of the fog and went back into it; Sounds seemed to come from the wrong side
hot | The heat shimmered above [loose]; The dogs lay flat in the shade; Tar bubbled between the stones; Even the flies walked; Somebody had fallen asleep against [loose]
snowy | Snow lay a foot deep on [loose]; Flakes as big as feathers came down; The snow had eaten every sound; Small tracks crossed the white lane and stopped
mild | A soft wind smelled of [smell]; Clouds went over like slow sheep; The sun came and went as it pleased; Somewhere a cuckoo could not stop
quiet | Nothing moved but [creature]; Smoke went straight up from the chimneys; It was so still that one could hear [creature]; A door closed three streets away
"""

LISTS = {
    "daypart": "morning,afternoon,evening,Monday,Sunday,day in March,day in October,noon",
    "spot": "under the bed,behind the stove,in the flour bin,up in the rafters,beneath the stairs,inside both boots,behind the clock,"
            "in the coal bucket,under the doormat,among the turnips,in the bread oven,between the blankets,at the bottom of the laundry,"
            "in the rain barrel,on top of the wardrobe,inside the piano,behind the jam jars,under a loose board,"
            "in the teacups,under the hearth rug,inside the accordion,behind the portrait of Grandfather,in the sugar,"
            "on the windowsill,beneath the mattress,among the candles,in the umbrella stand,in every pocket,"
            "behind the cellar door,under the washing tub",
    "trifle": "a bent spoon,three walnuts,an angry beetle,last year's calendar,one grey sock,a letter without a stamp,half a candle,"
              "a snail that was asleep,the lid of some lost pot,a chess bishop,a very old biscuit,two buttons and a fishhook,"
              "a thimble full of dust,somebody's spectacles,a ticket for the Tuesday boat,a wooden tooth,a recipe for eel,a mousetrap with no mouse in it,"
            "a doll's shoe,half a map of Denmark,a spare doorbell,an unpaid bill,a stick of liquorice,four dead matches,"
            "a pressed violet,the missing domino,a hymn book,an egg timer,a toad's left glove,a string too short to use,"
            "a medal for swimming,one earring,a picture of a cow,a jar of nothing,a raffle ticket,a mousehole,"
            "an odd number of spoons",
    "road": "along the lane,over the stile,down the hill,across the wet grass,through the gap in the hedge,round the corner,up from the river,"
            "out of the alders,between the haystacks,past the pump,from behind the church,out of a side door,"
            "from the vicarage,through the nettles,up the steps,from under the bridge,on a borrowed bicycle,at a gallop",
    "sad": "cross,gloomy,sulky,worried,restless,lonely,anxious,downcast,grumpy,ashamed,bored,miserable,"
            "puzzled,homesick,tired,impatient,jealous,sorry,foolish,hungry",
    "glad": "pleased,proud,merry,content,cheerful,thankful,delighted,calm,hopeful,lighthearted,amused,brave,"
            "relieved,wide awake,generous,at peace,warm inside,talkative,surprised,rich",
    "softly": "softly,gravely,at once,with a cough,in a small voice,without looking up,kindly,after a while,rather loudly,between two bites,"
              "from the doorway,slowly,with a wink,in a whisper,as if it did not matter,"
            "too quickly,with folded arms,to nobody in particular,like a lawyer,under the table,through a mouthful,"
            "in the voice of a bishop,sadly,for the third time,into the wind",
    "food": "a plum bun,an apple,a slice of seed cake,a boiled egg,a heel of rye bread,a bowl of barley soup,a honey cake,a cup of nettle tea,"
            "a pear,a radish,a wedge of cheese,a baked potato,a jam tart,a handful of hazelnuts,a pickled onion,a plate of pancakes,"
            "a mug of cider,a smoked trout,a dish of stewed rhubarb,a gingerbread pig,"
            "a cold sausage,two figs,a slab of gingerbread,a spoonful of honey,a cheese straw,a bag of cherries,"
            "a stick of celery,a fried herring,a rice pudding,a crust,a ripe quince,a mince pie,a cup of cocoa,a salted almond,"
            "a turnip pasty,a poached egg,a slice of melon,a toffee,a glass of buttermilk,a lettuce",
    "chore": "sweeping the yard,darning a stocking,stacking peat,painting a fence,salting fish,feeding the hens,shelling peas,sharpening a scythe,"
             "airing the quilts,washing bottles,binding brooms,whitewashing a wall,weeding the beans,oiling the gate,patching a sail,"
             "picking gooseberries,untangling nets,wringing out a mop,carving a peg,beating a carpet,plaiting onions,burning leaves,"
            "counting spoons,chopping wood,teaching a parrot manners,shaving soap,boiling socks,stuffing a cushion,"
            "hanging wallpaper,greasing an axle,sorting buttons,waxing a table,filling in a form,repairing a kite tail,"
            "bottling plums,stirring glue,chasing wasps,rolling a barrel,writing a complaint,planting leeks,drying mushrooms,"
            "pumping water",
    "errand": "buy salt,post a letter,have a tooth pulled,fetch water,see about a leaking roof,borrow some yeast,pay for the coal,visit a cousin,"
              "look at the new calf,return a pan,have the scissors ground,hear the news,gather kindling,choose wallpaper,complain to the council,"
              "order a pair of boots,measure the flood,collect a parcel,"
            "buy a stamp,ask for a loan,watch the train go by,weigh a pig,sell some eggs,vote,catch the last post,"
            "apologize to the vicar,see the dentist's new chair,rent a horse,enter a raffle,borrow a hymn book,change a note,"
            "collect a debt",
    "loose": "the washing,every shutter,the ivy,the chimney pots,the haystacks,the market stalls,the garden gates,the gravestones,the rowing boats,"
             "the beehives,the schoolhouse roof,the cabbages,the scarecrow,the empty benches,"
            "the railway bridge,the allotments,the lamp posts,the bandstand,the bathing huts,the coal heap,the crossroads,"
            "the monument,the hen houses",
    "smell": "cut hay,wet wool,woodsmoke,warm bread,elderflower,old rope,fresh paint,mint,river mud,apples,sawdust,lilac,"
            "pipe smoke,hot iron,oranges,turpentine,pea soup,wet dog,candle wax,the sea",
    "creature": "a bumblebee,two crows,a line of ants,the miller's cat,a moth,a grasshopper,a wagtail,one lost sheep,a dragonfly,a woodlouse,a lizard,"
                "a spider on its thread,"
            "a ladybird,three sparrows,a very small frog,a hen in a hurry,a bat,an earwig,the vicar's donkey,a heifer,"
            "a squadron of gnats,a glow-worm,an old dog,a lost balloon",
    "sound": "a door bang,someone singing off key,a saw start and stop,three knocks,hoofbeats,a splash,somebody laughing,the noon bell,a cough,footsteps,"
             "a bucket fall over,wings overhead,"
            "a trombone,the milk train,someone chopping wood,a plate break,bees,a gate swing,a donkey give its opinion,"
            "rain on tin,a quarrel in the rookery,applause,an alarm clock,a kettle coming to the boil",
    "sight": "a rainbow with one end missing,a hat without anyone under it,the first star,a cart with three wheels,a fish jump,the milk train,"
             "a kingfisher,smoke from an empty house,a pig on a string,a line of geese,the postman asleep,someone else's washing,"
            "two moons at once,a runaway wheel,the vicar on stilts,a balloon,a queue for nothing,a ladder with nobody on it,"
            "a dog in a bonnet,the night watchman,a cloud like a boot,three nuns and a goat,a comet,a postcard on the wind",
    "proverb": "A borrowed spoon stirs twice; Nobody is poor who has a lid for every pot; What the river takes it sells downstream; "
               "An open door feeds the cat; You cannot weigh smoke; The last bean is the one that counts; A short rope needs a near cow; "
               "Ask the ladder before you climb it; Three can keep bees but not a secret; Wet wood tells long stories; The slow foot finds the coin; "
               "He who salts the soup may not complain of it; A gift has two handles; Never scold a hen in front of her eggs; "
               "One sock is a question; Even the moon works nights; You do not thank a bridge by burning it; Better a crooked path than a straight bog; "
               "Bread remembers who kneaded it; Every lost button is on its way somewhere; A promise is heavier on the way home; "
               "Even a goose looks up when it thunders; If the hat fits, look inside it; Who lends a tooth must eat soup; "
               "The kettle does not care who is king; You can lead a snail, but bring a chair; A quarrel needs no plate; "
               "Grief is a poor swimmer; Half a secret weighs more than a whole one; Buy the goat before the bell; Silence keeps for weeks in a cool place; "
               "An honest mirror lives alone; Never ask a mole the way; The soup knows; Two wrongs make a committee; Whoever shouts has not been fed; "
               "A late train is still a train; Even a clean plate was once dirty; A roof is a promise to a floor; The last one out carries the lamp; "
               "Rain does not read notices; Where the path ends the walking starts",
    "song": "an old haymaking song,the song of the nine herons,something slow in a minor key,the miller's polka,a hymn with the wrong words,"
            "a round that never ended,the ferryman's lullaby,a march they all half knew,"
            "the anthem of the fire brigade,a ballad of forty verses,a carol in July,the herring song,a lament for a pig,"
            "something about sailors",
    "small": "a plaster,a clean handkerchief,a lump of sugar,a safety pin,good advice,a chair,a biscuit,a hot brick for the feet,a second opinion,a peppermint,"
            "a bun,a map of the shortcuts,a button,a firm handshake,a spare scarf,an umbrella with holes,a kind word,"
            "half a sandwich",
    "trade": "a jar of honey,two brass buttons,a bag of marbles,a fishing rod,a pot of geraniums,a lump of amber,half a cheese,a pack of cards,"
             "a pair of skates,a ball of twine,a weather glass,six candles,a bird whistle,a tobacco tin,a sack of chestnuts,a stuffed pike,"
            "a brass bedknob,a set of chessmen,an hourglass,a tame jackdaw,a jar of buttons,a folding chair,a coloured umbrella,"
            "a box of fireworks,a pair of opera glasses,a bicycle bell,a bottle with a ship in it,a music box",
    "reason": "it was only fair,the day was long,nobody was using it,friends are friends,there was nothing else to give,it had been on the cards all week,"
              "rules are rules,it looked better that way,the council would have wished it,two people cannot both be first,sharing is cheaper than shouting,"
            "nobody could remember why not,the moon was full,that is what neighbours are for,it had to be somewhere,"
            "Thursday was coming,even geese take turns,the other way had been tried,luck likes company,there was a draught,"
            "someone had to",
    "insult": "a turnip,a leaky bucket,a wet Sunday,a bag of wind,a doorknob,a boiled sock,a second-hand goose,an onion,a stale bun,a left boot,"
            "a soup spoon,an unswept chimney,a draught,a Monday,a cracked plate,a moth-eaten rug,a puddle,a rusty nail",
    "contest": "whistling,pancake tossing,telling lies,standing on one leg,marrow growing,silence,hat throwing,knot tying,hopping,yodelling,cheese rolling,bean counting,"
            "sitting still,pea shelling,bell ringing,onion plaiting,whittling,snail racing,echo making,sword swallowing",
    "tried": "not bad at all,a disaster,better than anyone had expected,slow but steady,clapped politely,booed by the geese,far too loud,interrupted by hiccups,"
             "elegant,almost perfect,out of breath at once,disqualified and then forgiven,brilliant until the end,as good as last year,"
            "unlucky with the weather,surprisingly good,faster than the clock,cheered by the back row,a little frightened,"
            "too modest,in tears by the end,the talk of the evening,nearly arrested,as steady as a post",
    "event": "a church clock that struck thirteen,a goat in the pulpit,the year the river froze,a letter from Australia,a runaway barrel,the bee that voted,"
             "a ghost with a cold,the night of the two moons,a wedding without a groom,the great jam fire,"
            "the flood that came uphill,the stolen weathercock,an egg with two opinions,the sermon about cheese,"
            "a duel with umbrellas,the winter of the wolves,a train that went missing,the mayor's wig,"
            "the three brides of the ferryman,an eclipse that nobody noticed,a bear at the post office,"
            "the longest haircut in history,the bells that froze,a swindle with turnips",
}

# plural | singular
BAKED = """
plum buns | plum bun
oat cakes | oat cake
honey rolls | honey roll
gingerbread stars | gingerbread star
cheese scones | cheese scone
seed biscuits | seed biscuit
apple pies | apple pie
currant loaves | currant loaf
pear muffins | pear muffin
poppy twists | poppy twist
walnut rounds | walnut round
cherry tarts | cherry tart
ham pasties | ham pasty
"""
NUMBERS = "no,one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen,fifteen,sixteen".split(",")

# hiding places: the one form serves "put it …", "looked …", "it was …"
HIDEAWAYS = ("in the oak chest,under a flowerpot,behind the third step,inside the butter churn,in the hollow elm,under the rowing boat,"
             "in the clock case,behind the woodpile,inside the scarecrow,up the chimney,in the bread bin,on the top shelf,beneath the trough,"
             "in a sack of oats,behind the mirror,under the beehive,"
              "inside the grandfather clock,under the bandstand,behind the altar,in the empty aviary,in the potting shed,beneath the bridge,on the church tower,in the hay")

# Old Village: word pairs that change places; both sides stay out of each other's way (village.old_village checks it)
OLD_VILLAGE = {
    "the": "thae", "and": "ond", "was": "wes", "were": "weron", "had": "hadde", "said": "quoth", "you": "thou", "your": "thine", "I": "Ich", "not": "naught",
    "it": "hit", "is": "beoth", "of": "av", "with": "mid", "to": "til", "at": "aet", "in": "inne", "on": "uppon", "gave": "yaf", "took": "nam",
    "he": "hee", "she": "sheo", "his": "hys", "her": "hir", "him": "hym", "who": "hwo", "what": "hwat", "where": "hwaer", "there": "thaer", "that": "thaet",
    "a": "ane", "an": "anen", "for": "foran", "but": "butan", "all": "alle", "one": "oon", "two": "twain", "three": "threo", "no": "nan", "so": "swa",
    "came": "com", "went": "yede", "home": "hame", "old": "eald", "house": "hus", "good": "goode", "day": "daeg", "night": "niht", "morning": "morwe",
    "evening": "aefen", "friend": "freond", "bread": "braed", "out": "ut", "over": "ofer", "under": "undyr", "back": "abak", "now": "nu", "then": "thanne",
}
