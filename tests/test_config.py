"""One configuration: a setting that is added there is everywhere, and what is wrong is told in a sentence."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from ftl.cli.options import add_config, config_of
from ftl.cli.parser import build_parser
from ftl.config import Config, FineTuneConfig, PruneConfig, SettingsError, SweepConfig, setting
from ftl.errors import FtlError
from studio.jobs.request import SweepRequest
from tests.conftest import sweep_in


class More(FineTuneConfig):
    """Fine-tuning with a setting that nobody has heard of."""

    warmup: int = setting(2, "Warm-up", "Epochs at a rising learning rate.", group="Fine-tuning", ge=0, le=9)


class MoreSweep(SweepConfig):
    fine_tune: More = More()


class MoreRequest(SweepRequest):
    sweep: MoreSweep = MoreSweep()


def parsed(config: type[Config], *arguments: str) -> Config:
    parser = argparse.ArgumentParser()
    add_config(parser, config)
    return config_of(parser.parse_args(arguments), config)


def form() -> None:
    import streamlit as st

    from studio.ui.sweep.fields import Places, group
    from tests.test_config import More

    st.session_state["values"] = group(st.columns(2), More(), "Fine-tuning", Places())


def test_a_setting_that_is_added_is_on_the_command_line() -> None:
    config = parsed(MoreSweep, "--warmup", "3", "--epochs", "4")
    assert isinstance(config, MoreSweep)
    assert (config.fine_tune.warmup, config.fine_tune.epochs) == (3, 4)
    with pytest.raises(FtlError, match="Warm-up: must be at most 9, not '10'"):
        parsed(MoreSweep, "--warmup", "10")


def test_a_setting_that_is_added_is_on_the_page() -> None:
    app = AppTest.from_function(form, default_timeout=30).run()
    assert not app.exception
    (control,) = [one for one in app.number_input if one.label == "Warm-up"]
    assert (control.value, control.min, control.max) == (2, 0, 9)
    assert control.help == "Epochs at a rising learning rate."
    control.set_value(5).run()
    assert More(**app.session_state["values"]) == More(warmup=5)


def test_a_setting_that_is_added_is_in_jobs_and_in_the_api() -> None:
    request = MoreRequest(sweep=MoreSweep(fine_tune=More(warmup=7)))
    assert MoreRequest(**json.loads(json.dumps(request.model_dump(mode="json")))) == request
    app = FastAPI()
    app.get("/job", response_model=MoreRequest)(lambda: request)
    described = app.openapi()["components"]["schemas"]["More"]["properties"]["warmup"]
    assert (described["default"], described["title"], described["maximum"]) == (2, "Warm-up", 9)


def test_a_sweep_tells_all_that_chooses_filters(workspace: Path) -> None:
    sweep_in(workspace)
    made = json.loads((workspace / "models" / "sweep.json").read_text())["settings"]
    assert made.keys() >= PruneConfig.model_fields.keys()
    assert PruneConfig(**{name: made[name] for name in PruneConfig.model_fields}) == PruneConfig()


def test_what_is_wrong_is_told_in_a_sentence() -> None:
    for wrong, told in (
        ({"rule": "best"}, "Selection rule: there is no 'best', choose fraction, above-average or global"),
        ({"round_to": 0}, "Round filters up to multiples of: must be at least 1, not 0"),
        ({"round_to": "many"}, "Round filters up to multiples of: must be a number, not 'many'"),
        ({"fine_tune": {"learning_rate": 0.0}}, "Learning rate: must be above 0, not 0"),
        ({"keep": [1.5]}, "keep fractions lie above 0 and at most at 1, not at 1.5: 0.1 keeps a tenth"),
        ({"keep": []}, "give at least one keep fraction, as 0.1"),
        ({"colour": "red"}, "there is no setting 'colour': choose from criterion, "),
        ({"heads": ["fine"]}, "Further candidates: there is no 'fine', choose recalibrated, tuned or segmented"),
        ({"faithful": True, "round_to": 8}, "leave round_to at 1"),
    ):
        with pytest.raises(FtlError) as error:
            SweepConfig(**wrong)  # type: ignore[arg-type]
        assert told in str(error.value)


def test_every_setting_has_a_label_and_a_help_text() -> None:
    for config in (PruneConfig, FineTuneConfig, SweepConfig, SweepRequest):
        for name, field in config.model_fields.items():
            if not (isinstance(field.annotation, type) and issubclass(field.annotation, Config)):
                assert field.title, name
                assert field.description, name
                assert field.description.endswith("."), name


def test_command_lines_may_call_settings_what_they_were_called() -> None:
    parser = build_parser()
    given = ["run", "here", "--mode", "once", "--joint", "max", "--read", "before", "--rate", "0.01", "--distil", "0.5"]
    config = config_of(parser.parse_args([*given, "--also", "tuned", "--budget", "1%", "--tune-base"]), SweepConfig)
    assert (config.mode, config.coupling_score, config.coupling_maps) == ("one_shot", "max", "before")
    assert (config.fine_tune.learning_rate, config.fine_tune.distillation) == (0.01, 0.5)
    assert (config.heads, config.budgets, config.fine_tune_unpruned) == (("tuned",), ("1%",), True)


@given(keep=st.lists(st.floats(0.001, 1), min_size=1, max_size=9), seed=st.integers(0, 2**31 - 1))
def test_a_configuration_goes_through_json_unchanged(keep: list[float], seed: int) -> None:
    keep = [*{f"{fraction:.4f}": fraction for fraction in keep}.values()]
    config = SweepConfig(keep=keep, seed=seed)
    assert SweepConfig(**json.loads(config.model_dump_json())) == config == config.but(seed=seed)


@pytest.mark.parametrize(
    ("settings", "at", "told"),
    [
        ({"rule": "global"}, "mode", "choose the mode one_shot"),
        ({"keep": (2,)}, "keep", "at most at 1, not at 2"),
        ({"keep": ("half",)}, "keep", "must be a number, not 'half'"),
        ({"budgets": ("much",)}, "budgets", "a budget is a share"),
        ({"seed": -1}, "seed", "at least 0, not -1"),
    ],
)
def test_what_is_wrong_is_said_at_its_setting(settings: dict[str, object], at: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        SweepConfig(**settings)
    ((place, sentence),) = error.value.at.items()
    assert place == at
    assert told in sentence
    assert str(error.value) == sentence


def test_a_share_may_be_a_percentage() -> None:
    assert SweepConfig(keep=("10%", "0.5", "2.5 %")).keep == (0.025, 0.1, 0.5)
