"""Which of our files imports which: read from the source, without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("bridge", "emailtemplates", "providers", "statemachines", "vnc", "whmcs_shim")


@dataclass(frozen=True)
class SourceFile:
    """One Python file: its dotted name as it is imported, and what it imports (dotted, also inside of functions).

    `loads` is `imports` without what only the type checker sees.
    """

    path: Path
    module: str
    imports: frozenset[str]
    loads: frozenset[str]

    @property
    def package(self) -> str:
        """The top-level name."""
        return self.module.partition(".")[0]


def read_files(root: Path, packages: tuple[str, ...] = PACKAGES) -> dict[str, SourceFile]:
    """All files of the packages, and those that stand in the root itself, by dotted name."""
    paths = [*root.glob("*.py"), *(path for package in packages for path in sorted(root.glob(f"{package}/**/*.py")))]
    names = {module_name(root, path): path for path in paths}
    return {name: read_file(path, name, frozenset(names)) for name, path in names.items()}


def module_name(root: Path, path: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_file(path: Path, module: str, ours: frozenset[str]) -> SourceFile:
    """Read one file; `from a import b` is `a.b` where that is a file of ours, else `a`."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {id(node) for block in ast.walk(tree) if _is_for_types(block) for node in ast.walk(block)}
    imports = [(node, target) for node in ast.walk(tree) for target in _targets(node, package, ours)]
    loads = frozenset(target for node, target in imports if id(node) not in unseen)
    return SourceFile(path, module, frozenset(target for _, target in imports), loads)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _targets(node: ast.AST, package: list[str], ours: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*above, *filter(None, [node.module])])
        yield from (_target(source, alias.name, ours) for alias in node.names)


def _target(source: str, name: str, ours: frozenset[str]) -> str:
    return f"{source}.{name}" if f"{source}.{name}" in ours else source


def find_cycle(files: dict[str, SourceFile]) -> list[str]:
    """One chain of files that ends where it began, or nothing."""
    finished: set[str] = set()

    def walk(name: str, chain: list[str]) -> list[str]:
        if name in chain:
            return [*chain[chain.index(name) :], name]
        if name in finished:
            return []
        for target in sorted(files[name].loads & files.keys()):
            if cycle := walk(target, [*chain, name]):
                return cycle
        finished.add(name)
        return []

    return next((cycle for name in sorted(files) if (cycle := walk(name, []))), [])


def names_used(path: Path) -> Iterator[str]:
    """Every name and attribute that the file mentions, `time.sleep` as `sleep`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
