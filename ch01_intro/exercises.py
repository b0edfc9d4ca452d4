"""Checks for the exercises of chapter 1, and the two pieces that the checks of every chapter are made of: `check` and `Wrong`.

A check is a function of the reader's answer. It raises `Wrong("what is wrong, and one small failing case")`, or returns one line
that says what the answer can now do. The decorator prints the verdict and never lets an error of the reader's code stop the notebook.
"""

import bisect
import dis
import functools
import itertools
import math
import random
import types


class Wrong(Exception):
    """The reader's answer is not right yet; the message names the likely cause and one small failing case."""


def untried(answer):
    """Is `answer` still the stub: `...`, or a function whose body is a docstring and `...`?"""
    if answer is ...:
        return True
    if not isinstance(answer, types.FunctionType):
        return False
    bytecode = {instruction.opname for instruction in dis.get_instructions(answer)}
    constants = set(answer.__code__.co_consts) - {None, answer.__doc__, ...}
    return bytecode <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"} and not constants


def check(number):
    """Decorate a check with the exercise's number, "chapter.lesson.exercise"; calling it prints one verdict and returns None."""

    def decorate(judge):
        @functools.wraps(judge)
        def verdict(*answers):
            if any(untried(answer) for answer in answers):
                print(f"Exercise {number}: not tried yet")
                return
            try:
                print(f"Exercise {number}: right. {judge(*answers)}")
            except Wrong as wrong:
                print(f"Exercise {number}: not yet. {wrong}")
            except Exception as error:  # a fault of the reader's code is a finding too, not a crash of the notebook
                print(f"Exercise {number}: not yet. Your code stopped with {type(error).__name__}: {error}")

        return verdict

    return decorate


# ---- 01 what is a language model


@check("1.1.1")
def check_surprise_in_bits(surprise_in_bits):
    for p, bits in ((1.0, 0.0), (0.5, 1.0), (1 / 1024, 10.0), (0.3, -math.log2(0.3))):
        got = surprise_in_bits(p)
        if math.isclose(got, bits, abs_tol=1e-9):
            continue
        if math.isclose(got, -bits, abs_tol=1e-9):
            raise Wrong(f"for p = {p} you return {got:.3f}: a surprise is never negative, the logarithm of a probability is")
        if math.isclose(got, bits * math.log(2), abs_tol=1e-9):
            raise Wrong(f"for p = {p} you return {got:.3f}: that is in nats; bits take the logarithm to base 2")
        raise Wrong(f"for p = {p} you return {got:.3f}, expected {bits:.3f}")
    return "A fair coin is worth one bit of surprise, and a certainty none."


@check("1.1.2")
def check_perplexity(perplexity):
    causes = {
        5.5: "that is the mean of 1/p; take the mean of the logarithms first",
        2.25: "that is the mean surprise in bits; perplexity undoes the logarithm",
        9: "that is the sum of the surprises in bits; perplexity starts from their mean",
        4: "that is the number of tokens, or 1 over the mean probability",
        512: "that is 1 over the probability of the whole text; perplexity is per token: take the fourth root",
        math.exp(2.25): "you mixed the bases: a mean in bits is undone by 2 to the power of it",
    }
    if math.isclose(perplexity, 2**2.25, rel_tol=2e-3):
        return "The model is as lost as if it had 4.76 equally likely words to choose from."
    cause = next(
        (cause for value, cause in causes.items() if math.isclose(perplexity, value, rel_tol=2e-3)),
        "the surprises are 1, 2, 3 and 3 bits",
    )
    raise Wrong(f"{perplexity:.3f} is not it: {cause}")


@check("1.1.3")
def check_bits_per_byte_of_text(bits_per_byte_of_text):
    for text in ("kite", "χαρταετός", "café 😀"):
        got, n_bytes = bits_per_byte_of_text(10.0, text), len(text.encode())
        if math.isclose(got, 10 / math.log(2) / n_bytes, rel_tol=1e-9):
            continue
        if math.isclose(got, 10 / math.log(2) / len(text), rel_tol=1e-9):
            raise Wrong(f"{text!r} has {len(text)} characters but {n_bytes} bytes in UTF-8: `len` of a string counts characters")
        if math.isclose(got, 10 / n_bytes, rel_tol=1e-9):
            raise Wrong("the bytes are right now, but the surprise is still in nats: a nat is 1/ln 2 bits")
        raise Wrong(f"10 nats over {text!r} ({n_bytes} bytes): you return {got:.4f}, expected {10 / math.log(2) / n_bytes:.4f}")
    return "Her Greek was divided by characters, and a Greek letter takes two bytes: it looked almost twice as dear as it was."


@check("1.1.4")
def check_choose(choose):
    dice = random.Random(4)
    cases = [([0.2, 0.5, 0.3], u) for u in (0.0, 0.1, 0.19, 0.21, 0.5, 0.69, 0.71, 0.99)] + [
        ([0.0, 1.0, 0.0], 0.0),
        ([0.0, 1.0, 0.0], 0.999),
        ([1.0], 0.5),
    ]
    for _ in range(200):
        weights = [dice.random() for _ in range(dice.randint(1, 9))]
        cases.append(([weight / sum(weights) for weight in weights], dice.random() * 0.999))
    for probs, number in cases:
        edges = list(itertools.accumulate(probs))
        if any(abs(number - edge) < 1e-9 for edge in edges[:-1] if edge > 0):
            continue
        expected, got = bisect.bisect_right(edges, number), choose(list(probs), number)
        if got is None or int(got) != expected:
            cause = (
                "an option of probability 0 was chosen; "
                if got is not None and 0 <= int(got) < len(probs) and probs[int(got)] == 0
                else ""
            )
            cause = cause or (
                "that is always the likeliest: greedy, not a draw; "
                if got == max(range(len(probs)), key=probs.__getitem__)
                and all(choose([0.2, 0.5, 0.3], u) == 1 for u in (0.1, 0.9))
                else ""
            )
            raise Wrong(f"{cause}probs {[round(p, 3) for p in probs]}, number {number:.3f}: expected {expected}, got {got}")
    return "Give it random numbers and it draws; that is how every text in this course will be written."


@check("1.1.5")
def check_add_one(add_one):
    row, vocab_size = {3: 4, 7: 1}, 10
    for token, expected in ((3, 5 / 15), (7, 2 / 15), (0, 1 / 15)):
        got = add_one(row, token, vocab_size)
        if not math.isclose(got, expected, rel_tol=1e-9):
            if math.isclose(got, (row.get(token, 0) + 1) / 5, rel_tol=1e-9):
                total = sum(add_one(row, t, vocab_size) for t in range(vocab_size))
                raise Wrong(f"the shares sum to {total:.2f}: ten ones were added, so the total grows by ten")
            if token == 0 and got == 0:
                raise Wrong("a token that never came still has probability 0: it too gets one count")
            raise Wrong(f"counts {row}, 10 tokens: p({token}) should be {expected:.4f}, got {got:.4f}")
    if not math.isclose(add_one({}, 1, 4), 0.25):
        raise Wrong("a context that was never seen should give every one of 4 tokens the share 1/4")
    return "No token is impossible now."


def compare_smoothing(add_one, model, stories):
    """Print the bigram loss of the reader's smoothing beside Witten and Bell's, on lists of token ids."""
    if untried(add_one):
        return
    ours = theirs = count = 0
    for ids in stories:
        for before, token in zip([0, *ids], [*ids, 0]):
            ours -= math.log(add_one(model.followers[1].get((before,), {}), token, model.vocab_size))
            theirs -= math.log(model.prob(token, [before]))
            count += 1
    print(f"bigram, add one: {ours / count:.2f} nats per token; Witten and Bell: {theirs / count:.2f}")


@check("1.1.6")
def check_letters(letters):
    from ch01_intro.utils import NGramModel

    train = "the kite flew over the mill and the crow flew after the kite. " * 3
    for test, n in (("the crow fell into the mill.", 1), ("the crow fell into the mill.", 3), ("a kite, a café", 2)):
        ids = {character: 1 + i for i, character in enumerate(sorted(set(train + test)))}
        model = NGramModel(n, len(ids) + 1).fit([[ids[c] for c in train]])
        padded = [0] * n + [ids[c] for c in test] + [0]
        nats = -sum(math.log(model.prob(padded[i], padded[i - n + 1 : i])) for i in range(n, len(padded)))
        expected, got = nats / math.log(2) / len(test.encode()), letters(train, test, n)
        if math.isclose(got, expected, rel_tol=1e-6):
            continue
        causes = {
            "that is in nats: divide by ln 2": nats / len(test.encode()),
            "divide by the bytes of the test text, not by its tokens": nats / math.log(2) / (len(test) + 1),
            "divide by bytes, not by characters": nats / math.log(2) / len(test),
        }
        cause = next(
            (cause for cause, value in causes.items() if math.isclose(got, value, rel_tol=1e-6)),
            "check the vocabulary: the end, then the sorted characters of both texts",
        )
        raise Wrong(f"n = {n}, test {test!r}: expected {expected:.4f} bits per byte, got {got:.4f}; {cause}")
    return "The same counts, the same rule, other tokens: and bits per byte lets you compare it with the model of words."


# ---- 02 tensors and gradients

@check("1.2.1")
def check_slopes_by_hand(slopes):
    try:
        got = tuple(float(slope) for slope in slopes)
    except TypeError:
        raise Wrong(f"expected two numbers, (slope by a, slope by b), got {slopes!r}") from None
    causes = {(16, -16): None, (-16, 16): "the two are swapped: the slope by a comes first",
              (24, -16): "the second is right; a reaches the brackets by two roads, through a·b and directly: one is missing",
              (-8, -16): "the second is right; for the first, you took only the direct road; a also works through a·b",
              (-2, 2): "those are the slopes of the brackets; the square multiplies both by 2 · (−4)",
              (8, -8): "the slope of z² is 2z, and you multiplied by z: the 2 is missing",
              (-16, -16): "check a sign: the slope of the square is −8, and the two roads of a sum to −3 + 1",
              (-64, -16): "−8 · (−3 + 1) is 16: the roads are added, then multiplied"}
    if len(got) != 2:
        raise Wrong(f"expected two numbers, got {len(got)}")
    other = f"{got} is not it: the value in the brackets is −4"
    cause = next((cause for values, cause in causes.items() if math.dist(values, got) < 1e-6), other)
    if cause:
        raise Wrong(cause)
    return "You have done by hand what `backward` does: roads multiplied, meetings added."


@check("1.2.2")
def check_shapes(shapes):
    right = {"a + b": (4, 3), "a + c": "refused", "a * d": (4, 3), "c - d": (4, 4), "a @ e": (4, 2), "a @ b": (4,),
             "e @ a": "refused"}
    likely = {("a + c", (4, 3)): "3 meets 4 on the right; that a also has a 4 further left doesn't help",
              ("c - d", (4, 1)): "c is laid out as (1, 4), d is (4, 1): both 1s are stretched",
              ("c - d", (4,)): "that is the trap of the lesson: a row minus a column is a table",
              ("c - d", "refused"): "nothing clashes: 4 meets 1, and nothing meets 4",
              ("a * d", "refused"): "3 meets 1, and 1 is stretched",
              ("a @ e", (4, 3, 2)): "the inner sizes, the two 3s, are summed over and vanish",
              ("a @ b", (4, 3)): "@ is no * : it sums over the 3",
              ("a @ b", (4, 1)): "a vector on the right counts as one column, which is dropped from the result",
              ("a @ b", "refused"): "the inner sizes agree, 3 and 3",
              ("e @ a", (3, 3)): "the inner sizes are 2 and 4"}
    if not isinstance(shapes, (list, tuple)) or len(shapes) != len(right):
        raise Wrong(f"expected a list of {len(right)} entries, got {shapes!r}")
    for (expression, answer), got in zip(right.items(), shapes):
        got = got if isinstance(got, str) else tuple(got)
        if got != answer:
            cause = likely.get((expression, got), "lay the shapes side by side from the right, or for @ look at the inner sizes")
            raise Wrong(f"{expression} is not {got}: {cause}")
    return "Most bugs in networks are shapes that fit by accident; you will see them coming."


def hasty_backward(node):
    """The backward pass that exercise 1.2.3 hunts: it hands slopes on before all of them have arrived."""
    for source, slope in node.sources:
        source.grad += node.grad * slope
        hasty_backward(source)


@check("1.2.3")
def check_trap(trap):
    from ch01_intro.utils import Scalar
    slopes = []
    for hasty in (False, True):
        x = Scalar(1.5)
        result = trap(x)
        if not isinstance(result, Scalar):
            raise Wrong(f"expected a Scalar, got {type(result).__name__}")
        if result is x:
            raise Wrong("that returns x itself; compute something with it")
        if hasty:
            result.grad = 1.0
            hasty_backward(result)
        else:
            result.backward()
        slopes.append(x.grad)
    if slopes[0] == 0:
        raise Wrong("your result doesn't depend on x: its slope by x is 0 in both engines")
    if math.isclose(*slopes, rel_tol=1e-9):
        uses = [source for user in all_behind(result) for source, _ in user.sources if source.sources]
        where = "only x itself is used more than once, and x hands nothing on" if len(uses) == len(set(uses)) else \
            "a computed number is used twice, but its slope by x is 0 at x = 1.5"
        raise Wrong(f"both engines find {slopes[0]:g}: {where}")
    return f"The slope is {slopes[0]:g}, the hasty engine says {slopes[1]:g}: the first arrival was handed on twice."


def all_behind(result):
    """All Scalars behind a result, itself included, in the order of a walk back."""
    found = {result: None}
    todo = [result]
    for node in todo:
        new = dict.fromkeys(source for source, _ in node.sources if source not in found)
        found.update(new)
        todo += new
    return todo


@check("1.2.4")
def check_logistic(logistic):
    from ch01_intro.utils import Scalar
    for number in (0.0, 1.3, -2.0, 30.0, -30.0, 1000.0, -1000.0):
        x = Scalar(number)
        try:
            result = logistic(x)
        except OverflowError:
            raise Wrong(f"x = {number:g}: exp of a large number overflows; only ever take exp of something negative") from None
        if not isinstance(result, Scalar):
            raise Wrong(f"expected a Scalar, got {type(result).__name__}")
        expected = 1 / (1 + math.exp(-number)) if number >= 0 else math.exp(number) / (1 + math.exp(number))
        if not math.isclose(result.value, expected, rel_tol=1e-9, abs_tol=1e-300):
            raise Wrong(f"x = {number:g}: the value should be {expected:.6g}, got {result.value:.6g}")
        if len(result.sources) != 1 or result.sources[0][0] is not x:
            raise Wrong("expected one node with the one source x: compute with x.value, and give Scalar the pair yourself")
        result.backward()
        slope = expected * (1 - expected)
        if not math.isclose(x.grad, slope, rel_tol=1e-6, abs_tol=1e-15):
            causes = {number * (1 - number): ": that is x (1 − x), and the formula wants the value of the result",
                      expected: ": that is the value"}
            cause = next((cause for value, cause in causes.items() if math.isclose(x.grad, value, rel_tol=1e-9)), "")
            raise Wrong(f"x = {number:g}: the slope should be {slope:.6g}, got {x.grad:.6g}{cause}")
    return "An engine grows by one rule at a time; PyTorch's grew in the same way, to many hundreds."


@check("1.2.5")
def check_largest_rate(largest_rate):
    import torch
    for seed, (shift, spread, size) in enumerate(((4.0, 2.0, 200), (0.0, 1.0, 50), (100.0, 2.0, 60), (0.1, 0.05, 30))):
        x = shift + spread * torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        inputs = torch.stack([x, torch.ones_like(x)], dim=1)
        flat, steep = torch.linalg.eigvalsh(2 * inputs.T @ inputs / size).tolist()
        expected, got = 2 / steep, float(largest_rate(x.clone()))
        if math.isclose(got, expected, rel_tol=1e-6):
            continue
        causes = {2 / flat: "that is the limit of the flattest direction; the steepest one throws you out first",
                  4 / steep: "twice too large: the square of the error brings a factor 2 into the curvature",
                  1 / steep: "half of it: 1/λ is the stride that goes home at once; the limit is 2/λ",
                  expected / size: "the loss is a mean: divide the sums by the number of points",
                  steep: "that is the curvature; the limit is 2 over it",
                  1 / (x * x).mean().item(): "the bias b has a curvature too: give the inputs a column of ones"}
        cause = next((cause for value, cause in causes.items() if math.isclose(got, value, rel_tol=1e-6)),
                     "take the Hessian of the lesson and its largest eigenvalue")
        raise Wrong(f"{size} points around {shift:g}: expected {expected:.6f}, got {got:.6f}; {cause}")
    return "With inputs far from 0 the limit is tiny, and the flat direction waits for it: that is why inputs are centred."


FIRST_NAMES = """
ada agnes albert alice amy andrew anna arthur barbara beatrice benjamin bertha brian bridget carol caroline catherine cecilia
charles christina clara claire colin daniel david deborah diana donald dorothy douglas edith edward eleanor elizabeth ellen
emily emma eric ernest esther ethel eva felicity fiona florence frances frederick gabriel geoffrey george gerald gertrude gloria
gordon graham hannah harold harriet hector helen henry hilda howard hugh ian ingrid irene isabel jacob james janet jennifer
jeremy jessica joan john joseph judith julia karen kenneth laura lawrence leonard linda louisa lucy lydia malcolm margaret maria
martha martin matilda maurice michael miriam nancy natalie neil nicholas norman nora oliver olivia oscar pamela patricia paul
peter philip rachel raymond rebecca richard robert roger ronald rosalind rupert ruth samuel sarah sheila simon sophia stephen
stuart susan sylvia theodore theresa thomas timothy ursula vera veronica victor vincent virginia walter wendy wilfred william
winifred
""".split()
COMMON_WORDS = """
about above account across after again against almost along always among animal answer apple autumn basket because become before
behind below between blanket bottle branch bread breakfast bridge bright brother build button candle carry castle catch chair
change children circle clever cloud coffee colour copper corner cotton count cousin cover dance danger daughter decide dinner
doctor dream early earth eight elbow empty enough evening every family farmer feather finger finish flower follow forest forget
friend garden gentle glass grass ground hammer happen harbour heart heavy honest horse house hungry island jacket journey kettle
kitchen ladder language large laugh learn leave letter listen little market matter measure middle minute mirror money month
morning mother mountain music narrow needle neighbour never number ocean often orange other paper pebble pencil people picture
plate please pocket power present promise question quick quiet river round saddle school season second shadow sharp shoulder
silver simple sister small smoke soldier spring square station stone storm street strong summer supper surprise table teacher
thick thousand ticket travel trouble tunnel under village visit water weather whistle window winter wonder yellow young
""".split()


def names_right(features, folds=5):
    """The share of names and words that a straight model gets right on features, each judged by a model that did not see it."""
    import torch
    dice = random.Random(0)
    rows = [(word, sign) for words, sign in ((FIRST_NAMES, 1.0), (COMMON_WORDS, -1.0))
            for word in dice.sample(sorted(words), len(FIRST_NAMES))]
    dice.shuffle(rows)
    lists = [list(features(word)) for word, _ in rows]
    if len({len(row) for row in lists}) > 1:
        other = next(n for n, row in enumerate(lists) if len(row) != len(lists[0]))
        sizes = f"{rows[0][0]!r} has {len(lists[0])}, but {rows[other][0]!r} has {len(lists[other])}"
        raise Wrong(f"every word needs as many numbers; {sizes}")
    inputs = torch.tensor([[*map(float, row), 1.0] for row in lists], dtype=torch.float64)
    sign, right = torch.tensor([sign for _, sign in rows], dtype=torch.float64), 0
    for fold in range(folds):
        test = torch.arange(len(rows)) % folds == fold
        weights = torch.zeros(inputs.shape[1], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")

        def loss(test=test, weights=weights, optimizer=optimizer):
            optimizer.zero_grad()
            value = torch.nn.functional.softplus(-sign[~test] * (inputs[~test] @ weights)).mean() + 0.005 * (weights**2).sum()
            value.backward()
            return value

        optimizer.step(loss)
        right += ((inputs[test] @ weights.detach() > 0) == (sign[test] > 0)).sum().item()
    return right / len(rows)


@check("1.2.6")
def check_features(features):
    first = features("anna")
    if isinstance(first, str) or not hasattr(first, "__len__"):
        raise Wrong(f"expected a list of numbers for 'anna', got {first!r}")
    if len(first) > 5000:
        raise Wrong(f"{len(first)} numbers for a word are more than the check will wait for; stay below 5,000")
    if list(features("anna")) != list(first):
        raise Wrong("two calls for 'anna' gave different numbers")
    if all(list(features(word)) == list(first) for word in ("table", "emma", "bridge")):
        raise Wrong("'anna', 'table', 'emma' and 'bridge' all get the same numbers: the model can't tell them apart")
    right = names_right(features)
    if right < 0.7:
        blind = all(list(features(word)) == list(features(word[::-1])) for word in ("table", "julia", "bridge"))
        cause = "these features can't see the order of the letters: 'table' and 'elbat' look alike" if blind else \
            "keep the letter counts, and add to them"
        raise Wrong(f"right on {right:.1%}, the goal is 70%: {cause}")
    return f"{right:.1%} of new ones. What a model is shown matters as much as how it learns."


# ---- 03 a first neural model


@check("1.3.1")
def check_slopes_of_logits(slopes):
    if not hasattr(slopes, "__len__") or len(slopes) != 3:
        raise Wrong(f"expected three slopes, one for each logit; got {slopes!r}")
    got, bets = [float(slope) for slope in slopes], (1 / 8, 2 / 8, 5 / 8)

    def near(other):
        return all(math.isclose(a, b, abs_tol=2e-3) for a, b in zip(got, other))

    if near((1 / 8, -6 / 8, 5 / 8)):
        return "Downhill lifts the second dial by what had not been bet on it, and lowers the others by what was wasted there."
    causes = [
        (bets, "those are the bets, right so far; a slope is the bet minus 1 for the token that came, minus 0 for the others"),
        ((-1 / 8, 6 / 8, -5 / 8), "those are the directions of the step downhill; the slope points uphill: what you bet, minus what came"),
        ((1 / 8, 2 / 8, -3 / 8), "you took the 1 away from the third; the second token came"),
        ((-7 / 8, 2 / 8, 5 / 8), "you took the 1 away from the first; the second token came"),
        ((0, -1 + math.log(2), math.log(5)), "you took 1 away from the logit itself; softmax comes first"),
    ]
    for values, cause in causes:
        if near(values):
            raise Wrong(cause)
    if abs(sum(got)) > 2e-3:
        raise Wrong(f"your slopes sum to {sum(got):.3f}; the bets sum to 1, what came sums to 1, so their differences sum to 0")
    raise Wrong("the powers of the logits are 1, 2 and 5, and their sum is 8")


@check("1.3.2")
def check_clock(answer):
    if not hasattr(answer, "__len__") or len(answer) != 2:
        raise Wrong(f"expected two numbers, (steps, characters); got {answer!r}")
    steps, characters = (float(number) for number in answer)
    if math.isclose(steps, 10 * 200**2):
        raise Wrong("steps: the share stands in front of the slope once, not squared")
    if math.isclose(steps, 10 / 200):
        raise Wrong("steps: the other way round; the rarer page is the slower one")
    if math.isclose(steps, 10):
        raise Wrong("steps: the page of B has a slope 200 times smaller, since it is opened 200 times less often")
    if not math.isclose(steps, 2000, rel_tol=0.01):
        raise Wrong(f"steps: {steps:g} is not it; how many times as often is the page of the space opened?")
    if not math.isclose(characters, 20_000, rel_tol=0.01):
        raise Wrong(f"the steps are right; characters: {characters:g} is not it. 100 characters bring 20 strokes on the page of the space")
    return "Counting has the same clocks: a rare page needs more text. Gradient descent makes you wait for it once more, at each reading."


@check("1.3.3")
def check_log_softmax(log_softmax):
    import torch
    generator = torch.Generator().manual_seed(3)
    for shape in ((5,), (4, 7), (2, 3, 4)):
        z = torch.randn(shape, generator=generator, dtype=torch.float64)
        got, want = log_softmax(z), torch.log_softmax(z, -1)
        if not isinstance(got, torch.Tensor) or got.shape != z.shape:
            found = f"the shape {tuple(got.shape)}" if isinstance(got, torch.Tensor) else type(got).__name__
            raise Wrong(f"for logits of shape {shape} expected a tensor of the same shape, got {found}")
        if torch.allclose(got, want, atol=1e-9):
            continue
        if torch.allclose(got, torch.softmax(z, -1), atol=1e-9):
            raise Wrong("those are the bets; asked for are their logarithms")
        if torch.allclose(got.exp().sum(), torch.tensor(1.0, dtype=torch.float64)):
            raise Wrong(f"shape {shape}: all bets of the whole tensor sum to 1; each row should: sum over the last dimension, keepdim=True")
        raise Wrong(f"for logits of shape {shape} the powers of a row sum to {got.exp().sum(-1).flatten()[0]:.4f}, they should sum to 1")
    for row in ([0.0, 1000.0], [1000.0, 1001.0], [-1000.0, -1000.0], [0.0, -200.0]):
        z = torch.tensor([row, [0.0, 0.0]])
        got, want = log_softmax(z), torch.log_softmax(z, -1)
        if got.isnan().any() or got.isposinf().any() or got[0].isinf().all():
            raise Wrong(f"for the logits {row} you return {got[0].tolist()}: a power burst, or all of them vanished; subtract the largest "
                        "logit of each row first")
        if got.isinf().any():
            raise Wrong(f"for the logits {row} you return {got[0].tolist()}: a bet became 0 before you took its logarithm; "
                        "subtract the logarithm of the sum instead")
        if not torch.allclose(got, want, atol=1e-3):
            raise Wrong(f"for the logits {row} you return {got[0].tolist()}, expected {want[0].tolist()}")
    return "Whatever the dials say, the surprise stays a number."


@check("1.3.4")
def check_bigram_loss(bigram_loss):
    import torch
    from torch.nn import functional as F
    generator = torch.Generator().manual_seed(4)
    board = (3 * torch.randn(6, 6, generator=generator, dtype=torch.float64)).requires_grad_()
    inputs, targets = torch.randint(6, (2, 50), generator=generator)
    want, got = F.cross_entropy(board[inputs], targets), bigram_loss(board, inputs, targets)
    if not isinstance(got, torch.Tensor) or got.ndim:
        raise Wrong("expected one number, as a tensor: the mean over all pairs")
    causes = {
        "softmax is still taken twice: cross_entropy takes logits and does it itself. With bets between 0 and 1 as logits, even the "
        "surest of 62 tokens gets no more than e / (e + 61), about 4 in 100": F.cross_entropy(board[inputs].softmax(-1), targets),
        "that is the sum over the pairs; the loss is their mean": want * len(inputs),
        "that is the mean bet on what came, not its surprise": board[inputs].softmax(-1).gather(1, targets[:, None]).mean(),
        "the sign is wrong: surprise is minus the logarithm": -want,
        "softmax runs over the wrong dimension: each pair has a row of its own":
            -board[inputs].log_softmax(0).gather(1, targets[:, None]).mean(),
        "inputs and targets are exchanged: the page is the character that came first": F.cross_entropy(board[targets], inputs),
    }
    if not torch.isclose(got.double(), want):
        cause = next((cause for cause, value in causes.items() if torch.isclose(got.double(), value)), "hand the logits to F.cross_entropy")
        raise Wrong(f"on 50 pairs you return {got.item():.4f}, expected {want.item():.4f}: {cause}")
    if not got.requires_grad:
        raise Wrong("the value is right, but no slopes flow back to the board: don't leave PyTorch's graph (.item(), .detach(), no_grad)")
    return "A fault that runs without an error, and learns a little: only the floor beside it gave it away."


@check("1.3.5")
def check_informed_start(informed_start):
    import torch
    generator = torch.Generator().manual_seed(5)
    counts = torch.randint(0, 20, (7, 7), generator=generator).double() ** 2
    counts[:, 3] = 0
    counts[2, 3] = 1.0
    got = informed_start(counts.clone())
    if not isinstance(got, torch.Tensor) or got.shape != counts.shape:
        found = f"the shape {tuple(got.shape)}" if isinstance(got, torch.Tensor) else type(got).__name__
        raise Wrong(f"expected a board of shape {tuple(counts.shape)}, every row alike; got {found}")
    if not got.isfinite().all():
        raise Wrong("a dial stands at infinity or nan: take the logarithm of sums over a whole column, not of single strokes")
    bets, want, pages = got.double().softmax(-1), counts.sum(0) / counts.sum(), counts.sum(1) / counts.sum()
    if torch.allclose(bets, want.expand_as(bets), atol=1e-4):
        return "Every page begins with what is true on average, and learns only how it differs. An unopened page is a unigram now."
    if torch.allclose(got.double(), want.expand_as(bets), atol=1e-4):
        raise Wrong("you set the dials to the shares themselves; dials are logits: softmax of which numbers gives the shares?")
    if torch.allclose(bets, pages.expand_as(bets), atol=1e-4):
        raise Wrong("you summed over the rows' strokes (dim 1): those are the pages; what comes is counted in the columns (dim 0)")
    if torch.allclose(bets, want[:, None].expand_as(bets).softmax(-1), atol=1e-4):
        raise Wrong("the shares stand in a column: every dial of a row is the same, so each page bets evenly")
    if torch.allclose(bets, torch.full_like(bets, 1 / 7), atol=1e-4):
        raise Wrong("each page bets evenly: all dials of a row are alike. Lay the logarithms along the row")
    raise Wrong(f"on page 0 your bets are {[round(p, 3) for p in bets[0].tolist()]}, the unigram's {[round(p, 3) for p in want.tolist()]}")


@check("1.3.6")
def check_train_bigram(train_bigram):
    import torch
    generator = torch.Generator().manual_seed(6)
    for size, length in ((5, 800), (30, 4000)):
        shares = (2 * torch.randn(size, size, generator=generator)).softmax(-1)
        ids = [0]
        for u in torch.rand(length, generator=generator).tolist():
            ids.append(min(int((shares[ids[-1]].cumsum(0) < u).sum()), size - 1))
        ids = torch.tensor(ids)
        board = train_bigram(ids, size)
        if not isinstance(board, torch.Tensor) or board.shape != (size, size):
            found = f"the shape {tuple(board.shape)}" if isinstance(board, torch.Tensor) else type(board).__name__
            raise Wrong(f"expected logits of shape {(size, size)}, got {found}")
        log_bets = board.detach().double().log_softmax(-1)
        if log_bets.isnan().any():
            raise Wrong("a dial is nan: did a power burst, or is the learning rate far too large?")
        if log_bets.isinf().any():
            raise Wrong("a bet is exactly 0, and its surprise would be infinite: no walk gets that far, so these look like counts")
        counts = torch.bincount(ids[:-1] * size + ids[1:], minlength=size**2).view(size, size).double()
        seen = counts > 0
        paid = -(counts[seen] * log_bets[seen]).sum() / counts.sum()
        least = -(counts[seen] * (counts / counts.sum(1, keepdim=True))[seen].log()).sum() / counts.sum()
        if paid < least + 0.02:
            continue
        exchanged = -(counts.T[seen.T] * log_bets[seen.T]).sum() / counts.sum()
        turned = -(counts[seen] * board.detach().double().T.log_softmax(-1)[seen]).sum() / counts.sum()
        if min(turned, exchanged) < min(least + 0.1, paid - 0.2):
            raise Wrong("your board seems to be turned: the page is the character before, the place on it the one that follows")
        if abs(paid - math.log(size)) < 0.02:
            raise Wrong(f"{paid:.3f} nats, as an even bet pays: the dials have hardly moved")
        raise Wrong(f"{size} tokens, {length} pairs: {paid:.3f} nats, the counted table pays {least:.3f}. More steps, a longer stride, or one "
                    "for each dial (Adam)?")
    return "You have trained a language model, and you know how far it could have come."


# ---- 04 roadmap


@check("1.4.1")
def check_block_by_hand(parameters):
    causes = {
        192: "these are the weights alone, 12 d²; each matrix has biases, and each norm a scale and a shift",
        228: "the two norms are missing: each has 4 scales and 4 shifts",
        236: "one norm is missing, or both have a scale only: there are two, and each has 4 scales and 4 shifts",
        208: "the norms are there, the biases of the matrices are missing: one for each number that a matrix puts out",
        12 * 768**2 + 13 * 768: "that is the block of width 768; here d is 4",
    }
    if parameters == 244:
        return "12 · 16 + 13 · 4: at this width the small pieces still matter, at 768 they are a tenth of a percent."
    cause = causes.get(parameters, "four matrices 4 → 4, one 4 → 16, one 16 → 4, biases, two norms")
    raise Wrong(f"{parameters} is not it: {cause}")


@check("1.4.2")
def check_layers_needed(layers_needed):
    cases = [(1, 2), (1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (7, 8), (8, 8), (100, 2), (4_095, 4_096), (131_040, 4_096)]
    for distance, reach in cases:
        layers, seen = 0, 0
        while seen < distance:
            layers, seen = layers + 1, seen + reach - 1
        got = layers_needed(distance, reach)
        if got == layers and not isinstance(got, float):
            continue
        where = f"distance {distance}, reach {reach}: you return {got}, expected {layers}"
        if got == layers:
            raise Wrong(f"{where}: layers come in whole numbers, so return an int")
        if got == -(-distance // reach):
            raise Wrong(f"{where}; the reach counts the word itself, so a layer carries reach − 1 places")
        if got == distance // (reach - 1):
            raise Wrong(f"{where}; round up: a way that ends inside a layer needs that layer")
        if got == distance // (reach - 1) + 1:
            raise Wrong(f"{where}; where the distance divides evenly, there is no layer left over")
        raise Wrong(where)
    return "Mistral's 32 layers carry a word over 131,040 places, though each looks back only 4,095."


@check("1.4.3")
def check_turns_mask(turns_mask):
    import torch

    for lengths in ([3, 2], [4], [3, 2, 4], [1, 1, 1, 1], [2, 3, 2, 2, 3]):
        turns = [turn for turn, length in enumerate(lengths) for _ in range(length)]
        expected = torch.tensor([[j <= i or (turns[i] == turns[j] and turns[i] % 2 == 0) for j in range(len(turns))]
                                 for i in range(len(turns))])
        got = turns_mask(list(lengths))
        if not isinstance(got, torch.Tensor) or got.dtype != torch.bool:
            raise Wrong(f"expected a tensor of bool, got {getattr(got, 'dtype', type(got).__name__)}")
        if got.shape != expected.shape:
            raise Wrong(f"lengths {lengths}: expected the shape {tuple(expected.shape)}, got {tuple(got.shape)}")
        if torch.equal(got, expected):
            continue
        i, j = (got != expected).nonzero()[0].tolist()
        case = f"lengths {lengths}: word {i} {'may' if got[i, j] else 'may not'} hear word {j}"
        if torch.equal(got, expected.T):
            raise Wrong(f"{case}: rows and columns are swapped; the row listens")
        if turns[j] > turns[i]:
            raise Wrong(f"{case}, which belongs to a later turn")
        if turns[j] < turns[i]:
            raise Wrong(f"{case}, though that turn is over: everybody hears all earlier turns")
        if turns[i] % 2:
            raise Wrong(f"{case}: both are the model's, and its words hear the past, and no future")
        raise Wrong(f"{case}: both belong to one turn of the user, who is heard in both directions")
    return "Prompts are read in both directions, and still nothing that is said later changes an earlier turn."


@check("1.4.4")
def check_training_days(training_days):
    for case in ((7e9, 2e12, 64, 0.4, 989e12), (1e9, 2e10, 1, 0.5, 312e12), (65e9, 1.4e12, 2048, 0.45, 312e12)):
        parameters, tokens, gpus, share, peak = case
        days, got = 6 * parameters * tokens / (gpus * peak * share) / 86_400, training_days(*case)
        if math.isclose(got, days, rel_tol=1e-6):
            continue
        case = f"{parameters:.0e} parameters, {tokens:.0e} tokens, {gpus} GPUs at {share:.0%}: you return {got:.3g} days"
        causes = {
            share**2 / 3: "both faults are still there",
            share**2: "the work is right now; but a GPU that is used at 40% is slower than at 100%, so divide by the utilisation",
            1 / 3: "2ND pays for the forward pass alone; backward costs twice as much again",
            share: "the utilisation is missing",
            86_400: "that is in seconds",
            24: "that is in hours",
            gpus: "that is for one GPU; the work is shared",
            2 / 3: "forward is 2ND and backward 4ND, so it is 6ND together",
        }
        cause = next(
            (why for factor, why in causes.items() if math.isclose(got, days * factor, rel_tol=1e-6)), f"expected {days:.4g}")
        raise Wrong(f"{case}: {cause}")
    return "64 GPUs need 38 days for that model, nineteen times what was promised."


@check("1.4.5")
def check_parameters_of(parameters_of):
    smol = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
            "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True}
    llama = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
             "vocab_size": 32000, "tie_word_embeddings": False, "max_position_embeddings": 4096}
    wide = {"hidden_size": 64, "intermediate_size": 100, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 32,
            "num_key_value_heads": 2, "vocab_size": 500, "tie_word_embeddings": True}
    for name, config, expected in (("SmolLM2-135M", smol, 134_515_008), ("Llama-2-7B", llama, 6_738_415_616),
                                   ("a small one with head_dim 32", wide, 119_872)):
        got = parameters_of(dict(config))
        if got == expected:
            continue
        d, V, layers = config["hidden_size"], config["vocab_size"], config["num_hidden_layers"]
        heads, kv = config["num_attention_heads"], config.get("num_key_value_heads", config["num_attention_heads"])
        narrow = 2 * layers * (heads + kv) * (config.get("head_dim", d // heads) - d // heads) * d
        causes = {
            V * d: "one token table too many: it is tied, so the output shares it",
            -V * d: "one token table is missing: it is not tied",
            -layers * d * config["intermediate_size"]: "the MLP's third matrix, the gate, is missing",
            2 * layers * (heads - kv) * config.get("head_dim", d // heads) * d: (
                "all heads have keys and values of their own here; see num_key_value_heads"),
            config.get("max_position_embeddings", 0) * d: (
                "a Llama has no table of positions; max_position_embeddings is only its longest text"),
            -narrow: "the configuration says head_dim, and it is not hidden_size / heads",
        }
        why = next((why for gap, why in causes.items() if gap and got == expected + gap), "compare the pieces one by one")
        raise Wrong(f"{name}: you return {got:,}, expected {expected:,}; {why}")
    return "SmolLM2-135M has 134,515,008 parameters, and 21% of them are its vocabulary."


@check("1.4.6")
def check_cheapest_size(cheapest_size):
    import numpy as np

    sizes = np.geomspace(1e7, 1e14, 70_001)
    with np.errstate(all="ignore"):
        for target, served in ((2.1, 0.0), (2.1, 1e12), (2.1, 1e13), (2.4, 1e11), (2.0, 1e13)):
            room = target - 1.8172 - 482.01 / sizes**0.3478
            tokens = np.where(room > 0, (2085.43 / np.where(room > 0, room, 1)) ** (1 / 0.3658), np.inf)
            costs = {weight: 6 * sizes * tokens + weight * sizes * served for weight in (0, 2, 6)}
            got, best = float(cheapest_size(target, served)), costs[2].argmin()
            case = f"target {target}, served {served:.0e}: you return {got:.3g} parameters"
            if not got > 0 or got < sizes[np.isfinite(tokens)][0]:
                raise Wrong(f"{case}: a model of that size cannot reach the loss with any number of tokens")
            if np.interp(math.log(got), np.log(sizes), np.minimum(costs[2], 1e40)) <= 1.002 * costs[2][best]:
                continue
            if abs(got / sizes[costs[0].argmin()] - 1) < 0.02:
                raise Wrong(f"{case}: that is cheapest to train; the tokens served are not in the bill yet")
            if abs(got / sizes[costs[6].argmin()] - 1) < 0.02:
                raise Wrong(f"{case}: serving is a forward pass, so it costs 2N a token, not 6N")
            if abs(got / tokens[best] - 1) < 0.02:
                raise Wrong(f"{case}: that is the number of tokens; the size is asked for")
            raise Wrong(f"{case}; {sizes[best]:.3g} costs {costs[2][best]:.2e} FLOPs in all, which is less")
    return "From no reader to 1e13 tokens served, the best size falls: readers pay for small models."
