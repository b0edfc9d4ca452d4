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
