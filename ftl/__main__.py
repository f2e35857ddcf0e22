"""`python -m ftl`."""

import sys

from ftl.cli import main

sys.exit(main())
