"""The files for operators are valid, and name only what exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from serving import champions, metrics
from serving.openapi import description
from serving.settings import read_serve

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/rules.yaml"
DOCUMENT = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
NAME = re.compile(r"\brekindle_[a-z_]+")


def exported() -> set[str]:
    """Every metric name a scrape can hold."""
    assert champions.CHANGES is not None  # it has counts of its own
    told = metrics.exposition("m-1", 0).decode()
    kinds = dict(line.split()[2:4] for line in told.splitlines() if line.startswith("# TYPE rekindle_"))
    # With one process alone the library also tells when each series began.
    kinds = {name: kind for name, kind in kinds.items() if not name.endswith("_created")}
    parts = {name: [f"{name}{end}" for end in ("_bucket", "_count", "_sum")] for name in kinds}
    return {one for name, kind in kinds.items() for one in ([name, *parts[name]] if kind == "histogram" else [name])}


def expressions() -> list[str]:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    board = json.loads((DEPLOY / "grafana/rekindle.json").read_text())
    return [rule["expr"] for rule in rules] + [
        target["expr"] for panel in board["panels"] for target in panel["targets"]
    ]


@pytest.mark.parametrize("file", sorted(DEPLOY.rglob("*.yaml")), ids=lambda file: str(file.name))
def test_every_yaml_file_can_be_read(file: Path) -> None:
    assert all(isinstance(one, dict) for one in yaml.safe_load_all(file.read_text()))


def test_rules_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert asked <= exported()
    assert len(asked) >= 6


def test_every_metric_is_described_and_every_described_one_exists() -> None:
    described = set(re.findall(r"^\| `(rekindle_[a-z_]+)", DOCUMENT, flags=re.MULTILINE))
    assert described <= exported()
    assert {name.removesuffix("_bucket") for name in exported() if not name.endswith(("_count", "_sum"))} <= described


def test_recorded_series_are_used_under_their_own_names() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    used = set(re.findall(r"\brekindle:[a-z_:0-9]+", " ".join(expressions())))
    assert used <= recorded
    assert all(rule["annotations"]["summary"] for rule in rules if "alert" in rule)


def test_prometheus_own_tool_finds_the_rules_right() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed: the rules were only read as YAML and their metrics looked up")
    subprocess.run([tool, "check", "rules", str(RULES)], check=True)


def test_prometheus_own_tool_finds_the_scraping_right(tmp_path: Path) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed: the scrape configuration was only read as YAML")
    text = (DEPLOY / "prometheus/scrape.yaml").read_text()
    key, config = tmp_path / "rekindle.key", tmp_path / "prometheus.yml"
    key.write_text("a-key-that-is-long-enough", encoding="utf-8")
    config.write_text(text.replace("/etc/prometheus/rekindle.key", str(key)), encoding="utf-8")
    subprocess.run([tool, "check", "config", str(config)], check=True)


def test_nginx_finds_its_file_right(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx or openssl is not installed: of the proxy's file only limits and braces were looked at")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rekindle.example.com"]
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run([*made, *files], check=True, capture_output=True)
    site, whole = tmp_path / "site.conf", tmp_path / "nginx.conf"
    site.write_text((DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/rekindle", str(tmp_path)), encoding="utf-8")
    around = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ include {site}; }}"
    whole.write_text(around, encoding="utf-8")
    tested = subprocess.run([nginx, "-t", "-c", str(whole)], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr


def test_the_dashboard_has_a_source_to_choose_and_no_panel_twice() -> None:
    board = json.loads((DEPLOY / "grafana/rekindle.json").read_text())
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${source}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)


def test_the_probes_ask_pages_that_exist_and_closed_stays_closed() -> None:
    deployment, *_ = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = {container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert probes <= set(description("any")["paths"])  # type: ignore[call-overload]
    assert {"REKINDLE_API_KEYS", "REKINDLE_HOLDOUT_KEY"} <= {each["name"] for each in container["env"]}
    assert all("value" not in each for each in container["env"] if each["name"].endswith(("KEYS", "KEY", "URL")))
    assert container["resources"]["limits"]["memory"]


def test_the_proxy_lets_through_what_the_endpoint_takes_and_tells_who_asks() -> None:
    proxy = (DEPLOY / "nginx.conf").read_text()
    megabytes = re.search(r"client_max_body_size (\d+)m;", proxy)
    assert megabytes is not None
    assert int(megabytes[1]) * 1024**2 == read_serve(ROOT / "params.yaml").max_body_bytes
    assert "X-Forwarded-For" in proxy
    assert proxy.count("{") == proxy.count("}")


def test_the_limits_in_the_document_are_those_in_force() -> None:
    settings = read_serve(ROOT / "params.yaml").model_dump()
    limits = {name: value for name, value in settings.items() if name.startswith(("max_", "body_"))}
    told = dict(re.findall(r"^\| `([a-z_]+)` \| (\d+)", DOCUMENT, flags=re.MULTILINE))
    assert {name: int(value) for name, value in told.items()} == limits


def test_the_variables_in_the_document_are_read_somewhere() -> None:
    code = "".join(file.read_text() for folder in ("serving", "features") for file in (ROOT / folder).rglob("*.py"))
    assert all(name in code for name in set(re.findall(r"REKINDLE_[A-Z_]+", DOCUMENT)))
