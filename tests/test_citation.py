"""CITATION.cff, by the rules of the Citation File Format 1.2.0, and in one with what else says who made this."""

import re
import tomllib

import yaml
from conftest import ROOT

from hsi.reports.bibliography import bibliography

# Of https://github.com/citation-file-format/citation-file-format, schema 1.2.0: what has to be there, and what may be.
REQUIRED = {"authors", "cff-version", "message", "title"}
ALLOWED = REQUIRED | {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url"),
    *("preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url"),
    "version",
}
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_file_has_what_the_format_asks_for():
    assert set(CITATION) >= REQUIRED
    assert set(CITATION) <= ALLOWED
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] in ("software", "dataset")
    for author in CITATION["authors"]:
        assert "name" in author or {"family-names", "given-names"} & set(author)
    for key in ("message", "title", "abstract", "license"):
        assert isinstance(CITATION[key], str)
        assert CITATION[key].strip()
    assert len(set(CITATION["keywords"])) == len(CITATION["keywords"]) > 0


def test_it_agrees_with_the_project_the_licence_and_the_entry_for_bibtex():
    assert str(CITATION["version"]) == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["abstract"].rstrip(".") == PROJECT["description"]
    (author,) = CITATION["authors"]
    assert re.search(rf"Copyright \(c\) \d+ {author['name']}\n", (ROOT / "LICENSE").read_text())
    entry = bibliography(["hsi"])
    assert f"{{{{{author['name']}}}}}" in entry
    assert CITATION["title"] in entry
