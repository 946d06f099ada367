"""``python -m pwm_companion`` is ``pwm``."""

import sys

from .cli import main

sys.exit(main())
