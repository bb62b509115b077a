"""The typeface of the console, made ready for paper: converted when static files are built, never kept in the tree."""

from importlib import metadata, util
from pathlib import Path

from django.conf import settings

_FACES = ("Inter-Regular", "Inter-Medium", "Inter-SemiBold", "Inter-Bold")
_STAMP = ".made-from"


def directory() -> Path:
    """Return where the converted faces are; it does not exist before they are built, and paper does without."""
    return Path(settings.BASE_DIR) / "static" / "build" / "fonts"


def build(into: Path) -> bool:
    """Convert the admin site's faces to TrueType in a directory; return False where they are there already."""
    version = f"django-unfold {metadata.version('django-unfold')}\n"
    stamp = into / _STAMP
    if stamp.exists() and stamp.read_text() == version and all(_face(into, f).exists() for f in _FACES):
        return False
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    into.mkdir(parents=True, exist_ok=True)
    for face in _FACES:
        font = TTFont(_source() / f"{face}.woff2")
        font.flavor = None
        partial = _face(into, face).with_suffix(".partial")
        font.save(partial)
        partial.replace(_face(into, face))
    stamp.write_text(version)
    return True


def _face(into: Path, face: str) -> Path:
    return into / f"{face}.ttf"


def _source() -> Path:
    found = util.find_spec("unfold")
    if found is None or found.origin is None:
        raise FileNotFoundError("The admin site's fonts are not installed.")
    return Path(found.origin).parent / "static" / "unfold" / "fonts" / "inter"
