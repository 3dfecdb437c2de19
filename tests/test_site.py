"""The site is built strictly: every page is in its navigation, every link and anchor leads somewhere."""

import re

import pytest
from conftest import ROOT
from mkdocs.commands.build import build
from mkdocs.config import load_config


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site; building it raises where mkdocs warns."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


def test_pages_are_there(site):
    for name in ("index", "tutorial", "results", "configuration/split", "modules/evaluation"):
        assert (site / f"{name}.html").is_file()
    assert "Overall accuracy" in (site / "modules" / "evaluation.html").read_text(encoding="utf-8")
    assert "share of the labelled pixels" in (site / "configuration" / "split.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(site):
    """Pages can be read without a network."""
    for path in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|iframe)[^>]* src="?([^" >]+)|<link[^>]* rel="?stylesheet[^>]*href="?([^" >]+)',
            path.read_text(encoding="utf-8"),
        )
        assert not [address for pair in loaded for address in pair if "://" in address], path


def test_no_link_leads_into_the_source_tree(site):
    """What lies outside the site is named, not linked."""
    for path in site.rglob("*.html"):
        targets = re.findall(r'href="?([^" >#]+\.(?:py|yaml|ipynb|csv|md))["# >]', path.read_text(encoding="utf-8"))
        assert not [target for target in targets if "://" not in target], path
