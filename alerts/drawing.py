"""The child that draws: a chart a line on its input, the picture a line on its output, until the input ends."""

import base64
import json
import sys

_SCALE = 2


def main() -> None:
    """Draw what comes; the input ends when the parent does."""
    import vl_convert

    for line in sys.stdin.buffer:
        asked = json.loads(line)
        # No chart of ours loads anything, so nothing may be loaded.
        picture = vl_convert.vegalite_to_png(
            asked["spec"], scale=_SCALE, config=asked["theme"], allowed_base_urls=[]
        )
        sys.stdout.buffer.write(base64.b64encode(picture) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
