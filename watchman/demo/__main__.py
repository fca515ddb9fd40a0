"""`python -m watchman.demo`."""

import sys

from watchman.demo.main import main

sys.exit(main())
