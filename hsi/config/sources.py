"""The one door for configuration files that the user gives to Hydra: they are looked at before Hydra loads them.

A few lines of YAML can stand for billions of values, and Hydra would set out to make them. What its file source loads
is read here first, as nodes without values: so large, so deep and so many.
"""

import copy
from pathlib import Path

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult

from hsi.config.shipped import CONF
from hsi.errors import HsiError, shown
from hsi.files import read_bytes

LARGEST = 100_000  # bytes of a file
MOST_VALUES, DEEPEST, LONGEST_NUMBER = 100_000, 32, 400
_loaded: dict[tuple[Path, bytes], ConfigResult] = {}  # a command asks for each file several times


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's source of files, which loads none that is no configuration.

    It has the name of Hydra's: by that Hydra knows, in the processes of a parallel launcher, that it is there already.
    """

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file; HsiError says what is wrong with it."""
        path = Path(self.path, self._normalize_file_name(config_path))
        content = read_bytes(path, LARGEST)
        if (path, content) not in _loaded:
            _loaded[path, content] = self._load(config_path, path, content)
        return copy.deepcopy(_loaded[path, content])

    def _load(self, config_path: str, path: Path, content: bytes) -> ConfigResult:
        try:
            _require_mapping(yaml.compose(content.decode(), Loader=yaml.SafeLoader))
            return super().load_config(config_path)
        except HydraException:
            raise
        except Exception as error:  # beside its own, whatever yaml and OmegaConf let through
            raise HsiError(f"{path} cannot be read as a configuration ({shown(error, 200)}): correct it") from error


def guard_sources() -> None:
    """Have Hydra load files through `FileConfigSource`, and take our options of launchers for those that are meant."""
    Plugins.instance()  # so that Hydra has registered its own
    SourcesRegistry.instance().types["file"] = FileConfigSource
    # Launchers bring options of the same names as our files, against which Hydra would hold these, with a warning
    theirs = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    for path in (CONF / "hydra" / "launcher").glob("*.yaml"):
        theirs.pop(path.name, None)


def _require_mapping(root: yaml.Node | None) -> None:
    """ValueError unless a file is empty, or a mapping of no more and no deeper values than anybody writes."""
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("it is no mapping of keys to values")
    counts: dict[int, int] = {}
    if _count(root, counts, 0) > MOST_VALUES:
        raise ValueError(f"its anchors stand for more than {MOST_VALUES:,} values")


def _count(node: yaml.Node, counts: dict[int, int], depth: int) -> int:
    """How many values a node stands for, itself included, each alias taken for what it repeats."""
    if depth > DEEPEST:
        raise ValueError(f"its values are nested more than {DEEPEST} deep, or within themselves")
    if isinstance(node, yaml.ScalarNode):
        if not node.tag.endswith(":str") and len(node.value) > LONGEST_NUMBER:
            raise ValueError(f"one of its numbers has {len(node.value):,} digits")
        return 1
    if id(node) not in counts:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        counts[id(node)] = 1 + sum(_count(part, counts, depth + 1) for part in parts)
    return counts[id(node)]
