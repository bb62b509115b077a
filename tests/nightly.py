"""Whether this run is the nightly one, which draws more examples and takes the large sizes."""

import os

IS_NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
