"""numpy, without the threads of its linear algebra: nothing here uses any, and a command would wait 25 ms for them."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

__all__ = ["NDArray", "np"]
