"""The command ``graphmem eval``, on miniature data sets."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from graphmem.cli import app
from tests.eval.test_datasets import write_locomo
from tests.eval.test_dialogues import write_dialogre
from tests.eval.test_stories import story, write
from tests.eval.test_temporal import write_temporal


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["eval", *words])


@pytest.mark.parametrize(
    ("study", "hint"),
    [
        ("locomo", "locomo10.json"),
        ("beam100k", "BEAM"),
        ("temporal", "TemporalMemoryDataset"),
        ("updates", "BEAM"),
        ("dialogre", "nlpdata/dialogre"),
        ("characters", "character-identification"),
        ("abstain", "locomo10.json"),
    ],
)
def test_absent_data_is_named_with_where_to_get_it(tmp_path: Path, study: str, hint: str) -> None:
    done = command(study, "--data", str(tmp_path))

    assert done.exit_code == 1
    assert hint in done.stderr.replace("\n", "")


def test_unknown_study_lists_the_known() -> None:
    done = command("astrology")

    assert done.exit_code == 1
    assert "abstain, beam100k, characters, dialogre" in done.stderr.replace("\n", "")


def test_only_facts_take_a_path(tmp_path: Path) -> None:
    done = command("temporal", str(tmp_path))

    assert done.exit_code == 1
    assert "takes no path" in done.stderr


def test_json_of_recall_has_its_parts(tmp_path: Path) -> None:
    write_locomo(tmp_path)

    done = command("locomo", "--data", str(tmp_path), "--json", "--cache", str(tmp_path / "kept"))

    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"all", "by_category", "by_half", "baselines", "ablation"} <= set(found)
    assert {"n", "r@5", "r@10", "r@20", "mrr", "ndcg@10"} <= set(found["all"])
    assert list((tmp_path / "kept").glob("*.f32"))


@pytest.mark.parametrize("study", ["temporal", "abstain", "dialogre"])
def test_tables_are_printed(tmp_path: Path, study: str) -> None:
    write_locomo(tmp_path)
    write_temporal(tmp_path)
    write_dialogre(tmp_path)

    done = command(study, "--data", str(tmp_path), "--conversations", "1")

    assert done.exit_code == 0, done.stderr
    heading = {"temporal": "capped@10", "abstain": "refused rightly", "dialogre": "unlisted"}
    assert heading[study] in done.stdout


def test_facts_of_a_file(tmp_path: Path) -> None:
    done = command("facts", str(write(tmp_path, story())), "--json")

    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["by_kind"]["changed"]["n"] == 1
