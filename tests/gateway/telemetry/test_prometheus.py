"""The text format, read back by a parser that shares nothing with the writer."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.prometheus import Prometheus, metric_name, wants_openmetrics
from tests.gateway.telemetry.samples import attempt, calm, exchanges, facts

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> tuple[Samples, dict[str, str]]:
    """Character by character: names, labels with their escapes, values."""
    samples: Samples = {}
    types: dict[str, str] = {}
    helped: set[str] = set()
    assert not text or text.endswith("\n")
    for line in text.split("\n")[:-1]:
        assert line
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped, "HELP twice"
            helped.add(name)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, "TYPE twice"
            types[name] = kind
            continue
        assert line[0] != "#" or line == "# EOF"
        if line[0] != "#":
            key, value = sample(line)
            assert key not in samples, "series twice"
            samples[key] = value
    return samples, types


def sample(line: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], float]:
    match = NAME.match(line)
    assert match, line
    at, labels = match.end(), []
    if line[at] == "{":
        at += 1
        while line[at] != "}":
            found = LABEL.match(line, at)
            assert found, line
            at = found.end()
            assert line[at : at + 2] == '="'
            at += 2
            value = ""
            while line[at] != '"':
                if line[at] == "\\":
                    at += 1
                    value += {"n": "\n", "\\": "\\", '"': '"'}[line[at]]
                else:
                    value += line[at]
                at += 1
            at += 1
            labels.append((found.group(), value))
            if line[at] == ",":
                at += 1
        at += 1
    assert line[at] == " "
    return (match.group(), tuple(labels)), float(line[at + 1 :])


def rendered(metrics: Metrics, **options: bool) -> tuple[Samples, dict[str, str]]:
    return parse(Prometheus(metrics.snapshot).render(**options).decode())


@calm
@given(st.lists(exchanges, max_size=6), st.booleans())
def test_whatever_happened_the_text_is_well_formed(
    batch: list, openmetrics: bool
) -> None:
    metrics = Metrics()
    metrics.take(batch)
    samples, types = rendered(metrics, openmetrics=openmetrics)
    for name, kind in types.items():
        if kind != "histogram":
            continue
        series: dict[object, list[tuple[float, float]]] = {}
        for (sampled, labels), value in samples.items():
            if sampled == f"{name}_bucket":
                rest = tuple(label for label in labels if label[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        assert series
        for rest, steps in series.items():
            bounds = [le for le, _ in steps]
            counts = [count for _, count in steps]
            assert bounds == sorted(bounds)
            assert bounds[-1] == math.inf
            assert counts == sorted(counts)
            assert samples[(f"{name}_count", rest)] == counts[-1]  # type: ignore[index]
            assert (f"{name}_sum", rest) in samples


@calm
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_label_values_come_through_their_escapes(text: str) -> None:
    metrics = Metrics()
    metrics.register("routeiq.in_flight", "x", lambda: [({"deployment": text}, 3)])
    data = Prometheus(metrics.snapshot).render().decode()
    wanted = (("deployment", text),) if text else ()
    assert parse(data)[0] == {("routeiq_in_flight", wanted): 3}


def test_the_names_and_labels_are_the_known_ones() -> None:
    metrics = Metrics()
    metrics.take([facts(stream=True, chunks=5)])
    metrics.register(
        "process.cpu",
        'CPU "time"\nspent\\',
        lambda: [({}, 1.5)],
        kind="counter",
        unit="s",
    )
    samples, types = rendered(metrics)
    assert (
        samples[("routeiq_exchanges_total", (("alias", "fast"), ("status", "200")))]
        == 1
    )
    assert samples[("process_cpu_seconds_total", ())] == 1.5
    assert samples[
        (
            "routeiq_cost_usd_total",
            (
                ("alias", "fast"),
                ("provider", "openai"),
                ("model", "gpt-4o-mini-2024-07-18"),
            ),
        )
    ] == pytest.approx(2.13e-5)
    assert types["gen_ai_client_inference_duration_seconds"] == "histogram"
    assert types["gen_ai_client_inference_usage_input_tokens_total"] == "counter"
    for name in (
        "gen_ai_client_inference_time_to_first_chunk_seconds",
        "gen_ai_client_inference_time_per_output_chunk_seconds",
        "gen_ai_client_inference_operation_input_tokens",
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_token_usage",
        "gen_ai_server_request_duration_seconds",
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai_server_time_per_output_token_seconds",
        "http_server_request_duration_seconds",
    ):
        assert types[name] == "histogram"


def test_openmetrics_names_counters_its_own_way_and_ends() -> None:
    metrics = Metrics()
    metrics.take([facts(attempts=(attempt(),))])
    text = Prometheus(metrics.snapshot).render(openmetrics=True).decode()
    assert text.endswith("# EOF\n")
    assert "# TYPE routeiq_exchanges counter\n" in text
    assert "\nrouteiq_exchanges_total{" in text


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("text/plain", False),
        ("*/*", False),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
            True,
        ),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", False),
        ("application/openmetrics-text;q=zzz", False),
        ("application/openmetrics-text", True),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


def test_units_become_suffixes_once() -> None:
    assert metric_name("a.b", "s") == "a_b_seconds"
    assert metric_name("process.cpu_seconds", "s") == "process_cpu_seconds"
    assert metric_name("a-b", "{token}") == "a_b"
