"""The pieces of training against torch's, and checkpoints that survive: resumed runs to the bit, kills, full disks, damaged and strange files."""
import json
import math
import os
import pathlib
import pickle
import signal
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ch04_gpt_model.utils import GPT, GPTConfig
from ch05_pretraining.utils import (
    AdamW,
    bootstrap_interval,
    clip_grad_norm,
    cosine_schedule,
    load_checkpoint,
    next_token_loss,
    param_groups,
    save_checkpoint,
    train,
)
from data import village
from tests.references import shaken
from tools.notebooks import ROOT

CONFIG = {"vocab_size": 31, "context_length": 16, "d_model": 16, "n_layers": 2, "n_heads": 2}


def gpt(seed=0, **changes):
    torch.manual_seed(seed)
    return GPT(GPTConfig(**CONFIG | changes))


def batch_at(step):
    ids = torch.randint(31, (6, 13), generator=torch.Generator().manual_seed(1000 + step))
    return ids[:, :-1], ids[:, 1:]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("decay, betas", [(0.1, (0.9, 0.95)), (0.0, (0.9, 0.999))])
def test_adamw_is_torchs(decay, betas):
    ours, theirs = gpt().double(), gpt().double()
    settings_ = {"lr": 3e-3, "betas": betas, "weight_decay": decay}
    mine, reference = AdamW(ours.parameters(), **settings_), torch.optim.AdamW(theirs.parameters(), **settings_)
    for step in range(25):
        for model, optimizer in ((ours, mine), (theirs, reference)):
            nats, count = next_token_loss(model, batch_at(step))
            (nats / count).backward()
            optimizer.step(), optimizer.zero_grad()
    assert max((a - b).abs().max() for a, b in zip(ours.parameters(), theirs.parameters())) < 1e-10


@given(st.floats(0.01, 100), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_clipping_is_torchs(largest, seed):
    pairs = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(seed)
        pairs.append([torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), ())])
        for parameter in pairs[-1]:
            parameter.grad = torch.randn(parameter.shape, generator=generator) * 10
    norm, expected = clip_grad_norm(pairs[0], largest), torch.nn.utils.clip_grad_norm_(pairs[1], largest)
    assert math.isclose(norm, expected.item(), rel_tol=1e-5)
    assert all(torch.allclose(a.grad, b.grad, rtol=1e-4) for a, b in zip(*pairs))


def test_schedule():
    schedule = cosine_schedule(100, 10, final=0.1)
    assert [schedule(step) for step in (0, 4, 9, 10)] == [0.1, 0.5, 1.0, 1.0]
    assert math.isclose(schedule(55), 0.55) and math.isclose(schedule(100), 0.1)
    assert all(schedule(step) >= schedule(step + 1) for step in range(10, 120)) and math.isclose(schedule(500), 0.1)
    with pytest.raises(ValueError, match="expected 0 <= warmup < steps, got warmup 5 and steps 5"):
        cosine_schedule(5, 5)


def test_groups_decay_matrices_alone():
    model = gpt(qk_norm=True, bias=True, norm="layernorm", positions="learned")
    matrices, others = param_groups(model, 0.2)
    assert matrices["weight_decay"] == 0.2 and others["weight_decay"] == 0
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert sorted(names[id(p)].split(".")[-2] for p in matrices["params"]) == sorted(
        2 * ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    assert len(matrices["params"]) + len(others["params"]) == len(names)


def test_bootstrap_of_a_mean_is_its_standard_error():
    values = torch.randn(400, generator=torch.Generator().manual_seed(3)) * 2 + 5
    low, high = bootstrap_interval(values)
    middle, error = values.mean().item(), values.std().item() / 20
    assert abs(low - (middle - 1.96 * error)) < 0.3 * error and abs(high - (middle + 1.96 * error)) < 0.3 * error
    ratio = bootstrap_interval(torch.stack([values, values * 2], 1), lambda rows: (rows[:, 1].sum() / rows[:, 0].sum()).item())
    assert math.isclose(ratio[0], 2, rel_tol=1e-6) and math.isclose(ratio[1], 2, rel_tol=1e-6)
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval([])


@pytest.mark.parametrize("pieces", (2, 3, 6))
def test_accumulation_is_the_large_batch(pieces):
    def ragged(step):
        inputs, targets = batch_at(step)
        return inputs, targets.masked_fill(torch.arange(12) > torch.arange(6)[:, None] * 2, -100)     # rows hold different numbers of targets
    whole, cut = gpt().double(), gpt().double()
    a = train(whole, ragged, 5, optimizer=torch.optim.SGD(whole.parameters(), lr=0.5))
    b = train(cut, ragged, 5, optimizer=torch.optim.SGD(cut.parameters(), lr=0.5), accumulate=pieces)
    assert all(math.isclose(x["loss"], y["loss"], rel_tol=1e-10) for x, y in zip(a, b))
    assert max((p - q).abs().max() for p, q in zip(whole.parameters(), cut.parameters())) < 1e-10


def test_what_train_reports():
    heard = []
    history = train(gpt(), batch_at, 7, evaluate=lambda model: {"mode": model.training}, every=3, on_step=heard.append,
                    schedule=cosine_schedule(7, 2), clip=0.01)
    assert history == heard and [record["step"] for record in history] == list(range(1, 8))
    assert [record["step"] for record in history if "mode" in record] == [3, 6, 7] and not any(record.get("mode") for record in history)
    assert history[0]["lr"] == 5e-4 and history[1]["lr"] == 1e-3 and abs(history[0]["loss"] - math.log(31)) < 0.2 and history[0]["norm"] > 0.01


def test_training_in_bf16_is_near():
    plain, low = train(gpt(), batch_at, 10), train(gpt(), batch_at, 10, dtype=torch.bfloat16)
    assert all(abs(a["loss"] - b["loss"]) < 0.03 for a, b in zip(plain, low))


@pytest.mark.parametrize("optimizer", (None, lambda model: torch.optim.AdamW(model.parameters(), lr=1e-2),
                                       lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)))
@pytest.mark.parametrize("dropout", (0.0, 0.3))
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, optimizer, dropout):
    def run(steps, path=None):
        model = gpt(dropout=dropout)
        history = train(model, batch_at, steps, optimizer=optimizer and optimizer(model), every=2, checkpoint=path,
                        schedule=cosine_schedule(9, 3), evaluate=lambda model: {"zero": 0.0})
        return model, history
    torch.manual_seed(5)
    whole, expected = run(9)
    run(4, tmp_path / "run.safetensors")
    torch.rand(100)                                                     # the random state is the checkpoint's, not this moment's
    resumed, history = run(9, tmp_path / "run.safetensors")
    assert same(whole, resumed) and [r for r in history if r["step"] != 4] == [r for r in expected if r["step"] != 4]


CHILD = """
import os, sys, torch
sys.path.insert(0, {root!r})
from tests import test_training as t
from ch05_pretraining.utils import train, cosine_schedule
import ch02_tokenization.utils as files
import ch05_pretraining.utils as pieces
point, path = sys.argv[1], sys.argv[2]
at = {{"batch": 0, "saves": 0}}

def die(): os.kill(os.getpid(), 9)

def batch_at(step):
    if point == "mid-step" and step == 7: die()
    return t.batch_at(step)

replace = os.replace
def failing_replace(a, b):
    at["saves"] += 1
    if at["saves"] == 3 and point == "before the rename": die()
    replace(a, b)
    if at["saves"] == 3 and point == "after the rename": die()
os.replace = failing_replace

if point == "while writing":
    write = pieces.write_whole
    def failing_write(path, data):
        at["saves"] += 1
        if at["saves"] == 3:
            with open(str(path) + ".part", "wb") as file: file.write(data[:len(data) // 2]); file.flush()
            die()
        write(path, data)
    pieces.write_whole = failing_write

model = t.gpt(dropout=0.2)
train(model, batch_at, 10, every=2, checkpoint=path, schedule=cosine_schedule(10, 2))
"""


@pytest.mark.parametrize("point", ("mid-step", "while writing", "before the rename", "after the rename"))
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, point):
    path = tmp_path / "run.safetensors"
    torch.manual_seed(1)
    whole = gpt(dropout=0.2)
    train(whole, batch_at, 10, every=2, schedule=cosine_schedule(10, 2))
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    killed = subprocess.run([sys.executable, "-c", CHILD.format(root=str(ROOT)), point, str(path)], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    resumed = gpt(dropout=0.2)
    history = train(resumed, batch_at, 10, every=2, checkpoint=path, schedule=cosine_schedule(10, 2))
    assert len(history) == 10 and same(whole, resumed)


def saved(tmp_path, **changes):
    """(path of a checkpoint after four steps, a fresh model and optimizer to load it into)"""
    path, model = tmp_path / "run.safetensors", gpt(**changes)
    train(model, batch_at, 4, checkpoint=path)
    fresh = shaken(gpt(**changes), 8)
    return path, fresh, AdamW(param_groups(fresh))


def assert_refused(path, model, optimizer, *words):
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(ValueError) as error:
        load_checkpoint(path, model, optimizer)
    assert str(path) in str(error.value) and all(word in str(error.value) for word in words), error.value
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters())) and not optimizer.state


@pytest.mark.parametrize("share", (0.0, 0.001, 0.1, 0.5, 0.9, 0.999))
def test_a_checkpoint_cut_short_is_refused(tmp_path, share):
    path, model, optimizer = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])
    assert_refused(path, model, optimizer, "cut short")


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_is_refused(tmp_path, seed):
    path, model, optimizer = saved(tmp_path)
    data = bytearray(path.read_bytes())
    place = int(torch.randint(len(data), (), generator=torch.Generator().manual_seed(seed)))
    data[place] ^= 1 << seed
    path.write_bytes(data)
    assert_refused(path, model, optimizer)


def test_a_pickle_is_refused_unopened(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)
    path, model, optimizer = saved(tmp_path)
    path.write_bytes(pickle.dumps(Trap()))
    assert_refused(path, model, optimizer, "Pickles are never opened")
    torch.save({"model": model.state_dict()}, path)
    assert_refused(path, model, optimizer, "Pickles are never opened")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("change", ({"d_model": 32}, {"n_layers": 1}, {"rope_base": 500.0}))
def test_another_config_is_refused(tmp_path, change):
    path, _, _ = saved(tmp_path)
    other = gpt(**change)
    assert_refused(path, other, AdamW(param_groups(other)), "another config")


def test_another_optimizer_or_village_is_refused(tmp_path, monkeypatch):
    path, model, optimizer = saved(tmp_path)
    assert_refused(path, model, torch.optim.SGD(model.parameters()), "another optimizer", "AdamW", "SGD")
    monkeypatch.setattr(village, "VERSION", "2.0")
    assert_refused(path, model, optimizer, "another village", "2.0")


def test_a_safetensors_file_of_another_kind_is_refused(tmp_path):
    import safetensors.torch
    path, model, optimizer = saved(tmp_path)
    safetensors.torch.save_file({"a": torch.zeros(3)}, path)
    assert_refused(path, model, optimizer, "no checkpoint that this course wrote")
    safetensors.torch.save_file({"a": torch.zeros(3)}, path, {"checkpoint": json.dumps({})})
    assert_refused(path, model, optimizer)


@pytest.mark.skipif(os.name != "posix", reason="limits of a file's size are POSIX")
def test_a_full_disk_loses_no_earlier_checkpoint(tmp_path):
    import resource
    path, model, optimizer = saved(tmp_path)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError):
            save_checkpoint(path, model, optimizer, [{"step": 1}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and [file.name for file in pathlib.Path(tmp_path).iterdir()] == [path.name]
    assert len(load_checkpoint(path, model, optimizer)) == 4


def test_the_checkpoints_optimizer_orthogonalises_matrices_and_leaves_the_others_to_adamw():
    from tools import checkpoint

    torch.manual_seed(0)
    for shape in ((24, 80), (80, 24)):
        values = torch.linalg.svdvals(checkpoint.orthogonalised(torch.randn(shape)))
        assert 0.9 < values.min() and values.max() < 1.1
    model, twin = (GPT(GPTConfig(32, 16, 16, 1, 2, qk_norm=True)) for _ in range(2))
    twin.load_state_dict(model.state_dict())
    ours, others = checkpoint.optimizer_of(model), AdamW(param_groups(twin)[1:], lr=checkpoint.RECIPE["lr_vectors"], weight_decay=0.0)
    for one in (model, twin):
        nats, count = next_token_loss(one, (torch.arange(12).view(1, 12), torch.arange(1, 13).view(1, 12)))
        (nats / count).backward()
    ours.step(), others.step()
    for name, parameter in model.named_parameters():
        same = torch.equal(parameter, dict(twin.named_parameters())[name])
        assert same == (parameter.dim() < 2 or name == "token_embedding.weight"), name
