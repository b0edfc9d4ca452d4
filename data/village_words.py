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
kite | red, blue, striped, patched, paper, lopsided | fly it from the hill | flew it until the string hummed | hung above {H}'s bed
lamp | brass, green, dented, smoky, oil, crooked | read by its light | read by it until the oil was low | stood in {H}'s window, still warm
drum | painted, little, loud, battered, goatskin, tin | beat time for the dancers | beat it until the cups rattled | lay under {H}'s chair, quiet at last
flute | wooden, silver, cracked, slender, bamboo, bone | play one tune on it | played it to the cows | slept in its case on {H}'s shelf
map | torn, folded, yellow, muddy, secret, stained | find the way to the sea | followed it to the end of the page | was pinned to {H}'s kitchen door
bell | copper, tiny, old, cracked, silver, cow | call the hens | rang it until the hens came running | hung on {H}'s gate
key | iron, rusty, golden, crooked, brass, enormous | try it in the tower door | tried it in eleven locks | hung on a nail beside {H}'s stove
basket | round, willow, deep, broken, flat, rush | carry the eggs | filled it with nettles | stood full of washing in {H}'s hall
scarf | woollen, long, yellow, itchy, purple, moth-eaten | keep out the cold | wore it twice around the neck | was wrapped around {H}'s neck
book | thick, leather, blue, borrowed, dull, forbidden | look up a word | read it down to the last comma | lay open on {H}'s knees
whistle | tin, shrill, silver, small, bone, ivory | call the dog home | blew it until the dogs complained | dangled from {H}'s belt
compass | brass, trusty, scratched, pocket, ship's, stubborn | find north | turned around with it twice | pointed north from {H}'s table
mirror | round, cloudy, silver, cracked, tall, gilded | look splendid at the fair | made faces into it | leaned against {H}'s wall
clock | wooden, striking, cheap, tall, cuckoo, slow | be on time for once | wound it up with great care | ticked on {H}'s mantelpiece
umbrella | black, torn, huge, spotted, striped, yellow | stay dry on the way home | opened it indoors, for luck | dripped in {H}'s porch
teapot | brown, chipped, blue, enormous, china, tin | make tea for nine | made tea in it, strong as paint | steamed on {H}'s table
hat | straw, tall, feathered, squashed, velvet, woollen | look like somebody | bowed to everyone in it | sat on {H}'s bedpost
spade | rusty, short, heavy, new, sharp, wooden | dig up the potatoes | dug a hole and filled it in again | leaned beside {H}'s back door
fiddle | old, red, borrowed, squeaky, black, tuneless | practise for the wedding | played until the strings were hot | rested against {H}'s pillow
blanket | grey, checked, warm, ragged, scratchy, tartan | sleep under the stars | shook the moths out of it | was spread across {H}'s bed
lantern | paper, storm, tin, little, iron, blue | find the path after dark | swung it like a ferryman | burned low on {H}'s doorstep
rope | long, tarred, thin, knotted, frayed, old | pull the calf out of the ditch | tied nine kinds of knots in it | lay coiled in {H}'s cupboard
sled | wooden, fast, green, wobbly, old, yellow | ride down the chapel hill | rode it down the hill backwards | stood in {H}'s shed, its runners oiled
ladder | short, creaking, white, borrowed, wobbly, long | reach the top apples | climbed it and admired the view | leaned against {H}'s chimney
wheelbarrow | squeaky, green, rusty, big, red, wooden | bring home the turnips | pushed it all the way to the church | stood upside down in {H}'s yard
spoon | wooden, silver, bent, giant, slotted, copper | stir the jam | stirred everything in sight with it | lay in {H}'s drawer with the ordinary ones
puppet | wooden, smiling, one-armed, tall, grinning, bearded | make the children laugh | made it dance on the table | sat at {H}'s table as if it lived there
shell | pink, curled, huge, chalky, spiral, broken | hear the sea | listened to it all through breakfast | lay beside {H}'s candle
magnet | strong, red, heavy, curious, horseshoe, small | get the nails out of the well | fished eight nails out of a crack | hung under {H}'s shelf with a row of pins on it
telescope | brass, long, dusty, foldable, crooked, ivory | count the moons of Jupiter | looked at the neighbours' chimneys through it | pointed at the stars from {H}'s roof
trumpet | brass, dented, golden, loud, tin, silver | wake the neighbours | blew one long note on it | hung by its strap behind {H}'s door
globe | old, spinning, dusty, painted, wobbly, glass | look for China | spun it until it hummed | turned slowly on {H}'s desk
saw | sharp, rusty, long, new, blunt, two-handed | cut the fallen tree | sawed a perfectly good chair in half with it | hung on {H}'s wall, its teeth to the left
pearl | white, tiny, perfect, false, black, crooked | see it shine | held it up to the light | shone in {H}'s saucer like a small moon
parrot | stuffed, green, wooden, one-eyed, faded, elderly | have somebody to talk to | told it everything | stood on {H}'s bookcase and kept silent
jug | blue, cracked, tall, stone, green, earthenware | fetch cider from the barrel | filled it and drank it dry | held three daisies on {H}'s table
rake | wide, wooden, new, crooked, iron, toothless | bring in the hay | raked the gravel into waves with it | leaned in a corner of {H}'s barn
accordion | wheezing, red, old, heavy, borrowed, pearly | play at the harvest supper | squeezed a polka out of it | lay buttoned up on {H}'s sofa
"""

# the … | where | detail; detail; detail
PLACES = """
mill | at | The great wheel turned without hurrying; Flour hung in the light like fog; A cat slept on the warmest sack; The miller was asleep on his feet; Every cup in the house trembled; Sacks stood in line like a choir; Mice went in and out as shareholders; The stones grumbled and the floor agreed
pond | by | A duck led seven others past; Rings spread where a fish had been; The reeds talked among themselves; A punt lay upside down, thinking; Something under the surface blew bubbles; A swan looked at everyone in turn; There was a hint of [smell] and a good deal of mud; A sign forbade fishing, and a line hung from it
bridge | on | Below, the river carried a green bottle to the sea; Somebody had carved two hearts into the rail; The planks smelled of tar; A fisherman had caught [trifle]; Two carts had met in the middle and neither would back; One plank was newer than the others and proud of it; Every footstep sounded like two; A toll was asked for, in a small voice, and forgotten
orchard | in | The oldest tree leaned on a crutch; A waistcoat had been left behind among the branches; A bench went all the way round one trunk; A bell was tied to the best tree, against thieves; Baskets stood about, waiting for orders; From a branch hung [trifle]; In the topmost branches sat [creature]; A hammock hung there with somebody's boots in it
barn | in | Sparrows shot in and out under the beams; It was dark, and smelled of last year's hay; An owl pellet lay on the threshing floor; A hen had laid an egg in a helmet; Chinks of light lay on the floor like planks; A cart without wheels was somebody's bedroom; The swing in the loft moved, and nobody had touched it; Harness hung there for a horse long gone
well | by | The bucket went down for a long time before it splashed; Moss grew thick between the stones; If you called your name, it came back deeper; A cup on a chain was shared by all, and by [creature]; Somebody had thrown in a penny and wanted it back; The handle squeaked in two keys; A frog answered questions from below; The stones were worn by a hundred years of elbows
bakery | at | The windows were white with steam; Eleven loaves were cooling on the sill; The whole street smelled of cinnamon; A loaf in the window had the shape of a bishop; The baker was asleep with his eyes open; Flour lay on everything, the cat included; The bell over the door had been silenced with dough; There was a queue for yesterday's bread
library | in | Nobody had turned a page for an hour; Dust danced where the sun came in; A sign asked for silence in three languages; A trolley rolled by, with nobody behind it; Somebody had marked a page with [food]; The librarian was reading standing up; The clock had been told to be quiet; One whole shelf was about [event]
ferry | at | The chain creaked on its roller; The water was brown and in no mood to wait; A goat stood on board as if it had paid; The ferryman's bench was still warm; A timetable had been nailed up and then argued with; Six people were waiting for a seventh; On the other bank stood [creature], undecided; Somebody had painted the oars in different colours
forge | by | Sparks flew up and went out; The hammer rang twice for every blow; A horse was waiting for its last shoe; Horseshoes hung there in order of luck; The bellows sighed like an aunt; Water hissed in the trough; A gate leaned there, waiting for its other half; The smith was mending a teaspoon
school | at | Twelve slates stood in a row; Somebody had drawn a whale on the door; Through the window came the seven times table; The register had been sat upon; On the blackboard stood a sum that came out at [trifle]; A row of small boots waited by the door; Somebody was standing in the corner, and it was the teacher; A stray dog was learning to count
market | at | The cheese woman was shouting about her cheese; Turnips were a penny, and worth it; A juggler had dropped everything and was bowing; A man sold weather forecasts and prayed; Somebody was selling [food] as a cure; A goose had escaped and was being bargained for; The scales had a thumb on them; One stall sold nothing but left gloves
garden | in | The bean poles stood about like guests who know nobody; A scarecrow wore a better coat than most; Somebody had labelled the stones; Somebody had planted [trifle] and watered it; Somebody had laid out a bed in the shape of a fish; A watering can lay on its side; On the sundial sat [creature]; The gate opened by itself, to show off
meadow | in | A gate stood there without a fence; Nine sheep looked up, then down again; Somebody had begun a path and then lost interest; One molehill was bigger than the others and looked it; A long grey sock hung in the only tree; A bull was looking the other way, for now; In the middle stood a chair; A stream went through it in no straight line
quarry | at | Every step came back as an echo; The stone was yellow as cheese; A rabbit watched from the highest ledge; A crane hung over it like a question; Somebody had cut his name into the rock, and spelled it wrong; Pebbles came down, one at a time; The carts had gone home without a driver; At the bottom lay a green pool and [trifle]
harbour | at | Gulls were arguing over a herring; Ropes slapped against the masts; A barge was unloading coal; A sailor was knitting something with three sleeves; Barrels of herring had opinions about [smell]; A boat called Patience was being scraped; The crane lifted a piano and forgot it; Somebody was waving to a ship, or to [creature]
chapel | by | The weathercock had lost its tail years ago; Candle smoke drifted out of the door; Ivy had reached the second window; The organ was trying out [song]; Somebody had left a herring in the font; Hymn numbers from last week were still up; A bat slept over the door; The steps were hollow in the middle, like spoons
station | at | The next train was due on Thursday; The clock had stopped at five to four; Two milk cans stood waiting like passengers; The porter was polishing the bell; Somebody had missed the train and was eating [food]; A suitcase stood there alone and ticked; The signal went up, considered, and came down; A timetable hung upside down and was no less useful
post office | at | A parcel on the counter was ticking; The queue had been there since Easter; Stamps with the wrong king were half price; The inkwell was full of [trifle]; A pen on a string was just too short; Somebody was licking a very large envelope; A letter had come back for the ninth time; The clerk stamped everything, the counter included
lighthouse | by | The lamp turned although nobody had asked it to; A hundred and nine steps went up into the dark; The keeper's washing hung from the gallery; The keeper was frying a herring at the top; Below the rocks the sea said the same thing again; A gull stood on one leg and owned the place; Nailed to the door was a note: gone up; The wall had been painted as far as the brush could reach
cemetery | in | The stones leaned together as if to talk; Somebody had left a pear on a grave; Moss had eaten most of the names; The sexton was having his lunch on a flat one; A stone said only: I told you so; The gate had been shut to keep the goats out, and they were in; Someone had misspelled eternal; On the angel's hand sat [creature]
tavern | at | Somebody was losing at dominoes; The stuffed pike above the bar had seen it all; The fire smoked and so did everyone else; The landlord wiped one glass all the time; A dog under the table had ordered nothing; On the wall hung a picture of [event]; In the back room somebody sang [song], and somebody paid for it to stop; The bill for last year was nailed to the door
"""

# adjective of the opening | what the weather does later
WEATHER = """
windy | The wind pulled at [loose]; A gust took [loose] and gave it back bent; The weathercock spun until it squeaked; Leaves ran down the lane as if they were late; Doors opened that had been shut for years; A wig went by, and after some time its owner; One had to lean on the air to get anywhere; A bonnet was seen to leave the parish; The smoke could not decide and went back down; Even [creature] was blown off course
rainy | Rain drummed on [loose]; The gutters gurgled and the lanes shone; It rained harder, and then as hard as it could; Puddles joined hands across the road; Ducks were seen to smile; The drops hung in a row on [loose]; Everything smelled of [smell], only wetter; The sky had the colour of dishwater; Every boot in the street said the same word; A drop fell down every neck in turn
frosty | Frost had drawn ferns on [loose]; The ice on the troughs was as thick as a plate; Every breath made a small cloud; The mud had turned to iron; The pump wore a beard of ice; Washing stood on the line by itself; Somebody was skating on a tea tray; One could hear [sound] from as far off as the next village; The milk had pushed up its lid; Noses were red and conversation was short
foggy | The fog swallowed [loose]; One could hear the church but not see it; Hedges came out of the fog and went back into it; Sounds seemed to come from the wrong side; Somebody said good day to a post; A lantern went by without anybody; It was like living in milk; Out of the grey came [sound], and nothing else; Two people bumped into each other and both apologized to [creature]; The end of the street had been taken away
hot | The heat shimmered above [loose]; The dogs lay flat in the shade; Tar bubbled between the stones; Even the flies went on foot; Somebody had fallen asleep against [loose]; The butter had to be poured; Hens stood in each other's shade; The road wobbled; The pump handle could not be touched; Nobody spoke unless there was [food] in it; A cloud appeared, and people came out to look
snowy | Snow lay a foot deep on [loose]; Flakes as big as feathers came down; The snow had eaten every sound; Small tracks crossed the white lane and stopped; Somebody had built a snowman that looked like the vicar; Shovels scraped up and down the street; Every post wore a white hat; A branch let go of its load, and of [creature]; One walked as if on flour; Boys were rolling [trifle] into a very large ball
mild | A soft wind smelled of [smell]; Clouds went over like slow sheep; The sun came and went as it pleased; Somewhere a cuckoo could not stop; Windows were open, and out of one came [song]; Somebody had put a chair out in the street; The air was as soft as bread; Washing moved a little on the line; It was the sort of weather that has no opinions; A feather came down and took its time
quiet | Nothing moved but [creature]; Smoke went straight up from the chimneys; It was so still that one could hear [creature]; A door closed three streets away; Somewhere a page was turned; One could have heard a pin, or [sound]; A leaf fell, and was noticed; The dogs had nothing to report; The weathercock had gone to sleep facing east; A spoon was put down, two houses off
"""

LISTS = {
    "daypart": "morning,afternoon,evening,Monday,Sunday,day in March,day in October,noon",
    "spot": "under the bed,behind the stove,in the flour bin,up in the rafters,beneath the stairs,inside both boots,behind the clock,"
            "in the coal bucket,under the doormat,among the turnips,in the bread oven,between the blankets,at the bottom of the laundry,"
            "in the rain barrel,on top of the wardrobe,inside the piano,behind the jam jars,under a loose board,"
            "in the teacups,under the hearth rug,inside the accordion,behind the portrait of Grandfather,in the sugar,"
            "on the windowsill,beneath the mattress,among the candles,in the umbrella stand,in every pocket,"
            "behind the cellar door,under the washing tub,"
            "in the birdcage,behind the bookcase,under the cat,in the pickle barrel,between the floorboards,in the sewing box,"
            "inside a wellington boot,up the drainpipe,under the cheese cover,behind the barometer,in the log basket,"
            "beneath the tablecloth",
    "trifle": "a bent spoon,three walnuts,an angry beetle,last year's calendar,one grey sock,a letter without a stamp,half a candle,"
              "a snail that was asleep,the lid of some lost pot,a chess bishop,a very old biscuit,two buttons and a fishhook,"
              "a thimble full of dust,somebody's spectacles,a ticket for the Tuesday boat,a wooden tooth,a recipe for eel,a mousetrap with no mouse in it,"
            "a doll's shoe,half a map of Denmark,a spare doorbell,an unpaid bill,a stick of liquorice,four dead matches,"
            "a pressed violet,the missing domino,a hymn book,an egg timer,a toad's left glove,a string too short to use,"
            "a medal for swimming,one earring,a picture of a cow,a jar of nothing,a raffle ticket,a mousehole,"
            "an odd number of spoons,"
            "a clay pipe,a bishop's button,the key to nothing,a love letter in pencil,a marble with a flaw,a fossil,"
            "one roller skate,a broken thermometer,a paper crown,a bar of soap,the second volume of something,a hatpin,"
            "a jam label,a postcard from a tunnel,a cork on a string,a very flat frog,a pair of wooden ears,a champion's ribbon,"
            "an empty envelope,a dried starfish",
    "road": "along the lane,over the stile,down the hill,across the wet grass,through the gap in the hedge,round the corner,up from the river,"
            "out of the alders,between the haystacks,past the pump,from behind the church,out of a side door,"
            "from the vicarage,through the nettles,up the steps,from under the bridge,on a borrowed bicycle,at a gallop,"
            "out of the laundry,with the milk cart,through the churchyard,along the canal,down a drainpipe,"
            "out of the cabbage field,over the roofs,by the back door",
    "sad": "cross,gloomy,sulky,worried,restless,lonely,anxious,downcast,grumpy,ashamed,bored,miserable,"
            "puzzled,homesick,tired,impatient,jealous,sorry,foolish,hungry,"
            "offended,forlorn,out of sorts,discouraged,glum,tearful,uneasy,vexed",
    "glad": "pleased,proud,merry,content,cheerful,thankful,delighted,calm,hopeful,lighthearted,amused,brave,"
            "relieved,well fed,generous,at peace,warm inside,reassured,satisfied,rich,"
            "light as a feather,consoled,tickled,grateful,snug,at home,younger,mellow",
    "softly": "softly,gravely,at once,with a cough,in a small voice,without looking up,kindly,after a while,rather loudly,between two bites,"
              "from the doorway,slowly,with a wink,in a whisper,as if it did not matter,"
            "too quickly,with folded arms,to nobody in particular,like a lawyer,under the table,through a mouthful,"
            "in the voice of a bishop,sadly,for the third time,into the wind,"
            "through the keyhole,with great dignity,on one leg,in two voices,backwards,before anyone had asked,without hope,"
            "as one says grace,from under a hat,warmly,in a tone of business,against all expectation",
    "food": "a plum bun,an apple,a slice of seed cake,a boiled egg,a heel of rye bread,a bowl of barley soup,a honey cake,a nettle dumpling,"
            "a pear,a radish,a wedge of cheese,a baked potato,a jam tart,a handful of hazelnuts,a pickled onion,a plate of pancakes,"
            "a cider cake,a smoked trout,a dish of stewed rhubarb,a gingerbread pig,"
            "a cold sausage,two figs,a slab of gingerbread,a spoonful of honey,a cheese straw,a bag of cherries,"
            "a stick of celery,a fried herring,a rice pudding,a crust,a ripe quince,a mince pie,a cocoa biscuit,a salted almond,"
            "a turnip pasty,a poached egg,a slice of melon,a toffee,a buttermilk scone,a lettuce,"
            "a bacon dumpling,a marzipan mouse,a slice of blood sausage,an onion ring,a custard slice,a bunch of watercress,"
            "a lump of nougat,a smoked eel,a raisin,a macaroon,a pancake with sugar,a sardine,a sugared almond,half a chicken,"
            "a leek tart,an oyster,a meringue,a mint drop,a doughnut,a quince jelly",
    "chore": "sweeping the yard,darning a stocking,stacking peat,painting a fence,salting fish,feeding the hens,shelling peas,sharpening a scythe,"
             "airing the quilts,washing bottles,binding brooms,whitewashing a wall,weeding the beans,oiling the gate,patching a sail,"
             "picking gooseberries,untangling nets,wringing out a mop,carving a peg,beating a carpet,plaiting onions,burning leaves,"
            "counting spoons,chopping wood,teaching a parrot manners,shaving soap,boiling socks,stuffing a cushion,"
            "hanging wallpaper,greasing an axle,sorting buttons,waxing a table,filling in a form,repairing a kite tail,"
            "bottling plums,stirring glue,chasing wasps,rolling a barrel,writing a complaint,planting leeks,drying mushrooms,"
            "pumping water,"
            "rinsing jars,grinding mustard,threading beads,numbering the chairs,mending a bellows,scaling a carp,combing a goat,"
            "writing labels,pickling eggs,caning a chair,dyeing wool,melting candles,hemming a curtain,stringing beans,"
            "trimming wicks,ironing a flag",
    "errand": "buy salt,post a letter,have a tooth pulled,fetch water,see about a leaking roof,borrow some yeast,pay for the coal,visit a cousin,"
              "look at the new calf,return a pan,have the scissors ground,hear the news,gather kindling,choose wallpaper,complain to the council,"
              "order a pair of boots,measure a carpet,collect a parcel,"
            "buy a stamp,ask for a loan,watch the train go by,weigh a pig,sell some eggs,vote,catch the last post,"
            "apologize to the vicar,see the dentist's new chair,rent a horse,enter a raffle,borrow a hymn book,change a note,"
            "collect a debt,"
            "inspect a drain,hire a band,redeem a watch,taste the new cider,sign a petition,have a photograph taken,"
            "order a tombstone,fetch the doctor,borrow a cup of vinegar,look for a rhyme,sue a neighbour,collect the rent",
    "loose": "the washing,every shutter,the ivy,the chimney pots,the haystacks,the market stalls,the garden gates,the gravestones,the rowing boats,"
             "the beehives,the schoolhouse roof,the cabbages,the scarecrow,the empty benches,"
            "the railway bridge,the allotments,the lamp posts,the bandstand,the bathing huts,the coal heap,the crossroads,"
            "the monument,the hen houses,"
            "the signposts,the pigsty,the tarpaulins,the flagpole,the vicarage windows,the rabbit hutches,the maypole,"
            "the bell tower,the goalposts,the greenhouses",
    "smell": "cut hay,wet wool,woodsmoke,warm bread,elderflower,old rope,fresh paint,mint,river mud,apples,sawdust,lilac,"
            "pipe smoke,hot iron,oranges,turpentine,pea soup,wet dog,candle wax,the sea,"
            "gunpowder,old books,horse,nutmeg,thunder,pepper,beeswax,fried onions,ink,sealing wax,straw,tar",
    "creature": "a bumblebee,two crows,a line of ants,the miller's cat,a moth,a grasshopper,a wagtail,one lost sheep,a dragonfly,a woodlouse,a lizard,"
                "a spider on its thread,"
            "a ladybird,three sparrows,a very small frog,a hen in a hurry,a bat,an earwig,the vicar's donkey,a heifer,"
            "a squadron of gnats,a glow-worm,an old dog,a lost balloon,"
            "a wasp with a limp,a cockerel,a stag beetle,a tortoise,a pair of doves,a goldfish in its bowl,a centipede,"
            "a pigeon with a message,a ferret,a piglet,a cricket,a mule,a very old carp,a swan,a cuckoo",
    "sound": "a door bang,someone singing off key,a saw start and stop,three knocks,hoofbeats,a splash,somebody laughing,the noon bell,a cough,footsteps,"
             "a bucket fall over,wings overhead,"
            "a trombone,the milk train,someone chopping wood,a plate break,bees,a gate swing,a donkey give its opinion,"
            "rain on tin,a quarrel in the rookery,applause,an alarm clock,a kettle coming to the boil,"
            "a cork pop,a distant quarrel,snoring,a bell with a cold,geese,a chair scrape,a hiccup,the ferry chain,"
            "a choir practice go wrong,someone counting aloud,a stone drop into a well,a crowd gasp",
    "sight": "a rainbow with one end missing,a hat without anyone under it,the first star,a cart with three wheels,a leaping fish,the milk train,"
             "a kingfisher,smoke from an empty house,a pig on a string,a line of geese,the postman asleep,someone else's washing,"
            "two moons at once,a runaway wheel,the vicar on stilts,a balloon,a queue for nothing,a ladder with nobody on it,"
            "a dog in a bonnet,the night watchman,a cloud like a boot,three nuns and a goat,a comet,a postcard on the wind,"
            "a bicycle for four,a haystack on the move,the mayor in his nightshirt,a procession of ducklings,"
            "a chimney sweep in white,a sofa in a tree,a wedding in a boat,a scarecrow with a visitor,a bishop on roller skates,"
            "a door in a field,a barrel going uphill,a man carrying a door,smoke rings in a row,a signpost turning",
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
               "Rain does not read notices; Where the path ends the walking starts; "
               "A cracked bell keeps its own time; Whoever wears the boots chooses the puddle; You cannot iron a river; The cat reads the letter too; "
               "Hope is a lodger who pays late; A loud cook burns quietly; Nine tailors make one excuse; The shy turnip grows the deepest; "
               "Do not teach a heron to wait; A bucket has no opinion of the well; Fame is a coat with no lining; Even a short pier has an end; "
               "Money talks, but soup listens; What the left boot knows the right one learns; A crumb is a loaf to someone",
    "song": "an old haymaking song,the song of the nine herons,something slow in a minor key,the miller's polka,a hymn with the wrong words,"
            "a round that never ended,the ferryman's lullaby,a march they all half knew,"
            "the anthem of the fire brigade,a ballad of forty verses,a carol in July,the herring song,a lament for a pig,"
            "something about sailors,"
            "a drinking song about milk,the hymn of the lamplighters,a tango for two left feet,the ballad of the lost galosh,"
            "a lullaby for bells,the cooper's wedding march,a shanty about puddings,a song with no middle",
    "small": "a plaster,a clean handkerchief,a lump of sugar,a safety pin,good advice,a chair,a biscuit,a hot brick for the feet,a second opinion,a peppermint,"
            "a bun,a map of the shortcuts,a button,a firm handshake,a spare scarf,an umbrella with holes,a kind word,"
            "half a sandwich,"
            "a thimble of brandy,two matches,a paper flower,a dry pair of socks,a cushion,a whole afternoon,a slice of lemon",
    "trade": "a jar of honey,two brass buttons,a bag of marbles,a fishing rod,a pot of geraniums,a lump of amber,a whole cheese,a pack of cards,"
             "a pair of skates,a ball of twine,a weather glass,six candles,a bird whistle,a tobacco tin,a sack of chestnuts,a stuffed pike,"
            "a brass bedknob,a set of chessmen,an hourglass,a tame jackdaw,a jar of buttons,a folding chair,a coloured umbrella,"
            "a box of fireworks,a pair of opera glasses,a bicycle bell,a bottle with a ship in it,a music box,"
            "a glass eye,a rocking chair,a stamp album,a copper kettle,a pair of snowshoes,a barrel organ,a hammock,"
            "a set of bagpipes,a feather bed,a magic lantern,a birdbath,a top with a whistle",
    "reason": "it was only fair,the day was long,nobody was using it,friends are friends,there was nothing else to give,it had been on the cards all week,"
              "rules are rules,it looked better that way,the council would have wished it,two people cannot both be first,sharing is cheaper than shouting,"
            "nobody could remember why not,the moon was full,neighbours are there for that,it had to be somewhere,"
            "Thursday was coming,even geese take turns,the other way had been tried,luck likes company,there was a draught,"
            "someone had to,"
            "the ink was dry,somebody had paid already,it rhymed,there were witnesses,the cat had agreed,tomorrow is also a day,"
            "it was the shorter word,nobody had said otherwise,the hinge had squeaked twice,one must begin somewhere",
    "insult": "a turnip,a leaky bucket,a wet Sunday,a bag of wind,a doorknob,a boiled sock,a second-hand goose,an onion,a stale bun,a left boot,"
            "a soup spoon,an unswept chimney,a draught,a Monday,a cracked plate,a moth-eaten rug,a puddle,a rusty nail,"
            "a broken comb,a sack with a hole,a burnt pancake,a doormat,a weak tea,a soup without salt,a hen on stilts,"
            "a squeaking gate,a cold potato,a crooked nail",
    "contest": "whistling,pancake tossing,telling lies,standing on one leg,marrow growing,silence,hat throwing,knot tying,hopping,yodelling,cheese rolling,bean counting,"
            "sitting still,pea shelling,bell ringing,onion plaiting,whittling,snail racing,echo making,sword swallowing,"
            "egg balancing,goose calling,ploughing backwards,soup tasting,hat trimming,stone skipping,sack racing,"
            "ladder climbing,poem reciting,turnip carving",
    "tried": "not bad at all,a disaster,better than anyone had expected,slow but steady,clapped politely,booed by the geese,far too loud,interrupted by hiccups,"
             "elegant,almost perfect,out of breath at once,disqualified and then forgiven,brilliant until the end,as good as last year,"
            "unlucky with the weather,surprisingly good,faster than the clock,cheered by the back row,a little frightened,"
            "too modest,in tears by the end,the talk of the evening,nearly arrested,as steady as a post,"
            "thanked for coming,very nearly sublime,slower than the judge's pulse,applauded by mistake,hard to describe,"
            "helped by a following wind,a lesson to everyone,louder than planned,asked to do it again,weak in the middle",
    "event": "a church clock that struck thirteen,a goat in the pulpit,the year the river froze,a letter from Australia,a runaway barrel,the bee that voted,"
             "a ghost with a cold,the night of the two moons,a wedding without a groom,the great jam fire,"
            "the flood that came uphill,the stolen weathercock,an egg with two opinions,the sermon about cheese,"
            "a duel with umbrellas,the winter of the wolves,a train that went missing,the mayor's wig,"
            "the three brides of the ferryman,an eclipse that nobody noticed,a bear at the post office,"
            "the longest haircut in history,the bells that froze,a swindle with turnips,"
            "the strike of the bell ringers,a bishop in a barrel,a snowfall in June,the escape of the brass band,"
            "a marriage by telegram,the day the bridge walked,a whale in the canal,the theft of the maypole,"
            "a sneeze that broke a window,the second funeral of the mayor,the invention of the square wheel,"
            "a tooth the size of a loaf,the night watch that slept,the parliament of hens,a balloon over the vicarage",
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
