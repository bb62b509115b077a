"""The child that draws the charts of one pack and ends: what is asked on its input, what is drawn on its output.

The engine keeps what it once took, a hundred megabytes and more; it goes with this process. No Django here.
"""

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any


def drawn(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return every chart as SVG by its id, and the one that mail shows as PNG in base64."""
    import vl_convert

    if asked["fonts"]:
        vl_convert.register_font_directory(asked["fonts"])
    # No chart of ours loads anything, so nothing may be loaded.
    how: dict[str, Any] = {"config": asked["theme"], "allowed_base_urls": []}
    charts = {key: vl_convert.vegalite_to_svg(spec, **how) for key, spec in asked["charts"].items()}
    if asked["picture"] is None:
        return {"charts": charts, "picture": ""}
    on_white = how | {"config": asked["theme"] | {"background": "#ffffff"}}
    picture = vl_convert.vegalite_to_png(asked["picture"], scale=asked["scale"], **on_white)
    return {"charts": charts, "picture": base64.b64encode(picture).decode()}


if __name__ == "__main__":
    json.dump(drawn(json.load(sys.stdin)), sys.stdout)
