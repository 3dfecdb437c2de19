"""What the site shows beside this folder: README, results, configuration, modules; see mkdocs.yml.

The pages keep the links that lead somewhere in the source tree. On the site those to other pages of it stay links, and
those to code become its name.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "index.md": "README.md",
    "results.md": "RESULTS.md",
    "changelog.md": "CHANGELOG.md",
    "data.md": "data/README.md",
    "studies.md": "studies/README.md",
}
ADDRESSES = {source: address for address, source in ELSEWHERE.items()}
LINK = re.compile(r"(!?)\[([^\]\n]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are written elsewhere, or nowhere."""
    for address, source in ELSEWHERE.items():
        add(files, config, address, (ROOT / source).read_text(encoding="utf-8"))
    for address, text in {**configuration(), **modules()}.items():
        add(files, config, address, text)
    return files


def add(files: Files, config: MkDocsConfig, address: str, text: str) -> None:
    """Add one page."""
    files.append(File.generated(config, address, content=text))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page, its links leading to pages of the site."""
    address = page.file.src_uri
    here = PurePosixPath(ELSEWHERE.get(address, f"docs/{address}")).parent

    def relink(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups(default="")
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        source = normpath(str(here / target))
        there = ADDRESSES.get(source, source.removeprefix("docs/"))
        if files.get_file_from_path(there) is None:
            return text
        return f"{picture}[{text}]({relpath(there, PurePosixPath(address).parent)}{anchor})"

    return LINK.sub(relink, markdown)


def configuration() -> dict[str, str]:
    """A page for each folder of conf/, with its files as they are, and one that lists them."""
    pages, lines = {}, ["# Configuration", "", "The files of `conf/` as they are shipped.", ""]
    for folder in [ROOT / "conf", *sorted(path for path in (ROOT / "conf").iterdir() if path.is_dir())]:
        shown = sorted(folder.glob("*.yaml"))
        if not shown:
            continue
        name = "commands" if folder.name == "conf" else folder.name
        text = [f"# {name}"]
        for path in shown:
            choice = path.name if folder.name == "conf" else f"{folder.name}={path.stem}"
            text += ["", f"## {choice}", "", "```yaml", path.read_text(encoding="utf-8").rstrip(), "```"]
        pages[f"configuration/{name}.md"] = "\n".join(text)
        lines.append(f"- [{name}](configuration/{name}.md): {', '.join(path.stem for path in shown)}")
    return {"configuration.md": "\n".join(lines), **pages}


def modules() -> dict[str, str]:
    """A page for each room of the package, with what its modules say of themselves, and one that lists them."""
    rooms: dict[str, list[str]] = {}
    for path in sorted((ROOT / "hsi").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] not in ("__init__", "__main__") and parts[1] != "conf":
            rooms.setdefault(parts[1] if len(parts) > 2 else "hsi", []).append(".".join(parts))
    pages = {
        f"modules/{room}.md": "\n\n".join([f"# {room}", *(f"::: {name}" for name in names)])
        for room, names in rooms.items()
    }
    lines = ["# Python modules", "", "What the code says of itself, a page for each folder of `hsi/`.", ""]
    lines += [f"- [{room}](modules/{room}.md)" for room in rooms]
    return {"modules.md": "\n".join(lines), **pages}
