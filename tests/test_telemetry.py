import json
import logging
import sys

import pytest

from graphmem.telemetry import JsonFormatter, configure


@pytest.fixture(autouse=True)
def _as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_json_line_has_the_fields_given() -> None:
    record = logging.makeLogRecord(
        {
            "name": "graphmem.worker",
            "levelname": "INFO",
            "msg": "done %d",
            "args": (3,),
            "stream": "s",
        }
    )

    line = json.loads(JsonFormatter().format(record))

    assert (line["level"], line["message"], line["stream"]) == ("info", "done 3", "s")
    assert line["time"].endswith("+00:00")


def test_json_line_carries_the_trace() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})

    assert "ValueError: broken" in json.loads(JsonFormatter().format(record))["trace"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_configure_writes_to_standard_error(form, capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", form)

    logging.getLogger("graphmem.test").info("hello")

    said = capsys.readouterr()
    assert "hello" in said.err
    assert said.out == ""
    assert said.err.startswith("{") == (form == "json")


def test_configure_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure("loud", "json")
