#!/usr/bin/env python3
"""ESPnet's s2t_train with the gate classes registered: same options, same files.

    espnet_train.py --config train.yaml …        (espnet_gates.py says what the YAML can name)

In an ESPnet recipe: put it in place of `python3 -m espnet2.bin.s2t_train`.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from espnet2.tasks.s2t import S2TTask  # noqa: E402

from training.espnet_gates import register  # noqa: E402


def main(cmd=None):
    register()
    S2TTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
