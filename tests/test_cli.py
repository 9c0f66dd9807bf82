"""The command line as a person meets it: through its own entry, on a file of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphmem.cli import app

CHAT = [
    {"role": "user", "content": "I live in Lisbon.", "name": "Ada", "id": "a1",
     "created_at": "2023-03-01T10:00:00Z"},
    {"role": "assistant", "content": "Lovely. How is the weather?", "id": "a2",
     "created_at": "2023-03-01T10:01:00Z"},
    {"role": "user", "content": "I moved to Porto.", "name": "Ada", "id": "a3",
     "created_at": "2024-05-02T10:00:00Z"},
    {"role": "user", "content": "Hills, rain and custard tarts.", "name": "Ada"},
]  # fmt: skip


class Shell:
    """Runs commands on one store; keeps what the last one printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'memory.db'}"
        self._runner = CliRunner()
        self.err = ""

    def run(self, *words: str, status: int = 0, stdin: str | None = None) -> str:
        args = [*words]
        if words[0] != "jobs" and "--store" not in words:
            args += ["--store", self.url]
        elif "--store" not in words:
            args = (
                ["jobs", "--store", self.url, *words[1:]]
                if len(words) == 1 or words[1].startswith("--")
                else [*words, "--store", self.url]
            )
        done = self._runner.invoke(app, args, input=stdin)
        self.err = done.stderr
        assert done.exit_code == status, (done.stdout, done.stderr, done.exception)
        return done.stdout

    def json(self, *words: str, **given: Any) -> Any:
        return json.loads(self.run(*words, "--json", **given))

    def file(self, lines: list[Any]) -> str:
        path = self.folder / "chat.jsonl"
        path.write_text(
            "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), "utf-8"
        )
        return str(path)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "LOG", "USER", "APP"):
        monkeypatch.delenv(f"GRAPHMEM_{name}", raising=False)
    return Shell(tmp_path)


@pytest.fixture
def told(shell: Shell) -> Shell:
    shell.run("ingest", shell.file(CHAT))
    return shell


def test_ingest_tells_what_it_made(shell: Shell) -> None:
    made = shell.json("ingest", shell.file(CHAT))

    assert (made["stored"], made["known"], made["bad"]) == (4, 0, [])
    assert {"Ada lives in Porto", "Ada lived in Lisbon"} <= {o["text"] for o in made["operations"]}


def test_ingest_again_changes_nothing(told: Shell) -> None:
    before = told.json("facts", "--all")

    made = told.json("ingest", told.file(CHAT))

    assert (made["stored"], made["known"], made["operations"]) == (0, 4, [])
    assert told.json("facts", "--all") == before


def test_ingest_keeps_the_good_lines(shell: Shell) -> None:
    lines = [
        CHAT[0],
        "not json",
        {"role": "wizard", "content": "x"},
        {"role": "user"},
        CHAT[2],
        "[]",
    ]

    out = shell.run("ingest", shell.file(lines), status=1)

    assert "2 events taken in" in out
    for number in (2, 3, 4, 6):
        assert f"line {number}: " in shell.err
    assert "line 1" not in shell.err


def test_ingest_names_a_conflict(told: Shell) -> None:
    changed = {**CHAT[0], "content": "I live in Rome."}

    told.run("ingest", told.file([changed, CHAT[2]]), status=1)

    assert "line 1: event 'a1'" in told.err


def test_ingest_reads_standard_input(shell: Shell) -> None:
    made = shell.json("ingest", "-", stdin=json.dumps(CHAT[0]))

    assert made["stored"] == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"role":"user","content":"a \\u0000 b"}', "NUL"),
        (b'{"role":"user","content":"a \\ud800 b"}', "surrogate"),
        (b'{"role":"user","content":"   "}', "empty"),
        (b'{"role":"user","content":"x","created_at":"2999-01-01T00:00:00Z"}', "out of range"),
        (b'{"role":"user","content":"x","created_at":"0001-01-01T00:00:00Z"}', "out of range"),
        (b'\xff\xfe{"role"', "UTF-8"),
        (b'{"role":"user","content":"' + b"x" * 70_000 + b'"}', "65536"),
        (b'{"role":"user","content":"' + b"x" * 1_100_000 + b'"}', "1048576"),
    ],
)
def test_ingest_refuses_what_cannot_be_kept(shell: Shell, line: bytes, why: str) -> None:
    path = shell.folder / "bad.jsonl"
    path.write_bytes(line + b"\n" + json.dumps(CHAT[0]).encode())

    shell.run("ingest", str(path), status=1)

    assert "line 1: " in shell.err
    assert why in " ".join(shell.err.split())
    assert shell.json("stats")["episodes"] == 1


def test_ingest_keeps_control_characters_harmless(shell: Shell) -> None:
    line = {"role": "user", "content": "red \x1b[31m alert", "id": "c"}
    shell.run("ingest", shell.file([line]))

    shown = shell.run("recall", "red alert")

    assert "\x1b[31m" not in shown
    assert shell.json("recall", "red alert")["hits"][0]["text"] == "red \x1b[31m alert"


def test_ingest_of_a_missing_file(shell: Shell) -> None:
    shell.run("ingest", "no-such.jsonl", status=1)

    assert "cannot be read" in shell.err


def test_recall_marks_what_has_ended(shell: Shell) -> None:
    shell.run("remember", "I live in Lisbon and I work at Acme.", "--user", "bo")
    shell.run("remember", "I moved to Porto.", "--user", "bo")
    part = shell.run("recall", "Who works at Acme in Lisbon?", "--user", "bo")
    shell.run("remember", "I no longer work at Acme.", "--user", "bo")
    whole = shell.run("recall", "Who works at Acme in Lisbon?", "--user", "bo")

    assert "partly ended" in part
    assert "ended" in whole
    assert "partly ended" not in whole


def test_recall_json_has_the_promised_form(told: Shell) -> None:
    hits = told.json("recall", "Where does Ada live?", "--top-k", "3")["hits"]

    assert set(hits[0]) == {
        "id", "kind", "text", "score", "confidence", "valid_from", "valid_to", "ended",
        "partly_ended", "event_ids", "arms",
    }  # fmt: skip
    assert len(hits) <= 3
    assert [h["score"] for h in hits] == sorted((h["score"] for h in hits), reverse=True)


def test_recall_of_the_present_puts_what_holds_first(told: Shell) -> None:
    hits = told.json("recall", "Where does Ada live now?")["hits"]

    assert "Porto" in hits[0]["text"]
    assert "Ada lived in Lisbon" not in {h["text"] for h in hits}


def test_recall_as_of_then(told: Shell) -> None:
    hits = told.json("recall", "Where does Ada live?", "--as-of", "2023-06-01")["hits"]

    assert "Lisbon" in hits[0]["text"]
    assert "Porto" not in json.dumps(hits)


def test_recall_known_before_anything_is_nothing(told: Shell) -> None:
    assert told.json("recall", "Where does Ada live?", "--known-at", "2020-01-01")["hits"] == []


def test_recall_explains_itself(told: Shell) -> None:
    assert "text" in told.run("recall", "Where does Ada live?", "--explain")


@pytest.mark.parametrize(
    "query", ['"', "a AND", "*", "terms:porto", "NEAR(", "porto OR", "(", "^-"]
)
def test_recall_takes_search_syntax_as_text(told: Shell, query: str) -> None:
    assert "hits" in told.json("recall", query)


def test_recall_never_crosses_users(told: Shell) -> None:
    assert told.json("recall", "Where does Ada live?", "--user", "eve")["hits"] == []
    assert told.json("facts", "--user", "eve")["facts"] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("recall", " "), "empty"),
        (("recall", "x", "--as-of", "tomorrow-ish"), "--as-of"),
        (("show", "no-such-id"), "no memory"),
        (("history", "no-such-id"), "no fact"),
        (("forget",), "say what to forget"),
        (("forget", "no-such-id"), "no memory"),
        (("sessions", "show", "no-such"), "no session"),
        (("recall", "x", "--user", "a\x07b"), "scope user"),
        (("recall", "x", "--store", "bolt://x"), "sqlite:///"),
        (("recall", "x", "--store", "sqlite:///no/such/dir/x.db"), "cannot be opened"),
        (("context", "x", "--budget", "1", "--system", "You are kind."), "too small"),
        (("jobs", "resume"), "no events"),
    ],
)
def test_bad_input_gets_one_clear_line(shell: Shell, words: tuple[str, ...], why: str) -> None:
    shell.run(*words, status=1)

    said = " ".join(shell.err.split())
    assert said.startswith("error: ")
    assert why in said
    assert "Traceback" not in said


def test_facts_json_has_names(told: Shell) -> None:
    (fact,) = told.json("facts")["facts"]

    assert (fact["subject"], fact["predicate"], fact["object"]) == ("Ada", "lives_in", "Porto")
    assert (fact["status"], fact["event_ids"], fact["retired_at"]) == ("current", ["a3"], None)
    everything = told.json("facts", "--all")["facts"]
    assert {f["status"] for f in everything} == {"current", "ended"}


def test_show_gives_fact_episode_entity_and_event(told: Shell) -> None:
    (fact,) = told.json("facts")["facts"]

    whole = told.json("show", fact["id"])
    assert whole["support"][0]["quote"] in "I moved to Porto."
    episode = told.json("show", whole["support"][0]["episode_id"])
    assert episode == told.json("show", "a3")
    assert [f["text"] for f in episode["facts"]] == ["Ada lives in Porto"]
    for item in (fact["id"], "a3"):
        assert "Porto" in told.run("show", item)


def test_history_keeps_every_version(told: Shell) -> None:
    (fact,) = told.json("facts")["facts"]

    versions = told.json("history", fact["id"])["versions"]

    assert {v["object"] for v in versions} == {"Lisbon", "Porto"}
    assert "UPDATE" in told.run("history", fact["id"])


def test_context_keeps_to_its_budget(told: Shell) -> None:
    made = told.json("context", "Where does Ada live?", "--budget", "120", "--system", "Be kind.")

    assert set(made) == {"parts", "tokens", "budget", "dropped"}
    assert set(made["parts"]) == {"system", "memories", "knowledge", "history", "state", "tools"}
    assert made["tokens"] <= made["budget"] == 120
    assert "Be kind." in told.run("context", "Where?", "--system", "Be kind.")


def test_remember_returns_an_id_for_recall_and_forget(shell: Shell) -> None:
    made = shell.json("remember", "Blue is the colour of Tuesdays.")

    assert made["operations"] == []
    hits = shell.json("recall", "Which colour has Tuesday?")["hits"]
    assert hits[0]["id"] == made["id"]
    assert shell.json("show", made["id"])["text"].startswith("Blue")
    shell.run("forget", made["id"])
    assert shell.json("recall", "Which colour has Tuesday?")["hits"] == []
    assert shell.run("remember", "I am allergic to nuts.").count("CREATE") == 1


def test_forget_revives_and_stays_gone(told: Shell) -> None:
    would = told.json("forget", "a3", "--dry-run")
    assert (would["events"], would["dry_run"]) == (["a3"], True)

    assert told.json("forget", "a3")["events"] == ["a3"]

    assert [f["text"] for f in told.json("facts")["facts"]] == ["Ada lives in Lisbon"]
    again = told.json("ingest", told.file(CHAT))
    assert (again["stored"], again["forgotten"]) == (0, 1)
    assert "forgot 1 events" in told.run("forget", "a1")


def test_forget_by_filter_and_everything(told: Shell) -> None:
    told.run("forget", "--before", "2023-06-01")
    assert told.json("stats")["episodes"] == 2

    told.run("forget", "--everything", status=1, stdin="n\n")
    assert told.json("stats")["episodes"] == 2
    told.run("forget", "--everything", "--yes")
    assert told.json("stats")["episodes"] == 0


def test_prune_lets_go_what_is_old(told: Shell) -> None:
    assert told.json("prune", "--max-age-days", "400", "--dry-run")["events"] != []

    told.run("remember", "It rained.")

    told.run("prune", "--max-age-days", "400")

    assert told.json("stats")["episodes"] == 1


def test_sessions_list_show_delete(told: Shell) -> None:
    (session,) = told.json("sessions")["sessions"]
    assert (session["id"], session["events"]) == ("chat", 4)
    assert "I moved to Porto." in told.run("sessions", "show", "chat")
    assert "chat" in told.run("sessions")

    gone = told.json("sessions", "delete", "chat")

    assert len(gone["events"]) == 4
    assert told.json("sessions")["sessions"] == []
    assert told.json("facts", "--all")["facts"] == []


def test_stats_doctor_jobs_and_worker(told: Shell) -> None:
    assert told.json("stats")["facts_current"] == 1
    assert "episodes" in told.run("stats")
    assert told.json("doctor")["well"] is True
    assert "All is well" in told.run("doctor")
    assert told.json("doctor", "--repair")["repaired"] == []
    assert "All is well" in told.run("doctor", "--repair")
    assert told.json("jobs")["jobs"] == []
    assert "user" in told.run("jobs")
    assert "0 batches" in told.run("worker", "--once")


def test_demo_tells_the_story(shell: Shell) -> None:
    out = shell.run("demo")

    for line in ("A conversation goes in", "Ada lives in Aveiro", "Ada lived in Lisbon", "forgot"):
        assert line in out


def test_reembed_with_the_same_model_is_a_no_op(told: Shell) -> None:
    assert "0 memories embedded" in told.run("reembed")


def test_eval_without_data_says_where_to_get_it(shell: Shell) -> None:
    done = CliRunner().invoke(app, ["eval", "locomo", "--data", str(shell.folder)])

    assert done.exit_code == 1
    assert "locomo10.json" in done.stderr


# review


def test_review_releases_merges_and_splits(shell: Shell) -> None:
    shell.run("remember", "My sister Annie lives in Oslo.")
    shell.run("remember", "Anna works at https://shop.example.")
    shell.run("remember", "Anna lives in Rome.")
    known = {e["name"]: e["id"] for e in shell.json("review", "entities")["entities"]}

    shell.run("review", "merge", known["Anna"], known["Annie"])
    merged = {e["name"]: e for e in shell.json("review", "entities")["entities"]}
    assert "Annie" not in merged
    assert merged["Anna"]["aliases"] == ["Annie"]

    shell.run("review", "split", known["Annie"])
    apart = {e["name"]: e["id"] for e in shell.json("review", "entities")["entities"]}
    assert apart == known
    shell.run("review", "split", known["Annie"], status=1)
    assert "is not merged into another" in shell.err


def test_review_of_quarantine(shell: Shell) -> None:
    shell.run("remember", "I love reading www.shop.example at night.")
    held = shell.json("review", "quarantine")["facts"]
    assert [f["status"] for f in held] == ["quarantined"]

    shell.run("review", "release", held[0]["id"])

    assert shell.json("review", "quarantine")["facts"] == []
    assert shell.json("facts")["facts"][0]["status"] == "current"
